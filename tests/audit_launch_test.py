"""launch.audit, and the reading of two corpora, from audio files to findings."""

from types import SimpleNamespace

import launching
import pytest
import toys
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch import audit
from launch.command_line import cli
from launch.experiment import designing
from vladser.data import folds
from vladser.evaluation.audit import Finding
from vladser.types import Utterance

pytestmark = pytest.mark.usefixtures("quick_workers")


@pytest.fixture
def call(corpus, capsys):
    """Runs it; returns the status, the findings by check, and the last line of all."""

    def call(*argv):
        given = [*corpus, "--epochs=1", *argv]
        status = cli.run(audit.main, audit.Settings, "", given)
        out, err = capsys.readouterr()
        found = {}
        for line in out.splitlines():
            level, check, text = line.split(maxsplit=2)
            found[check] = level, text
        return status, found, (err or out).splitlines()[-1]

    return call


def test_findings_are_a_line_each_and_no_error_is_status_0(call):
    status, found, _ = call()
    assert status == 0
    levels = {check: level for check, (level, _) in found.items()}
    assert levels.pop("train_sessions") == levels.pop("train_sentences") == "warning"
    assert set(levels.values()) == {"ok"} and "scaler" in levels


def test_notes_of_the_corpus_are_findings_that_judge_nothing():
    corpus = toys.corpus()
    design = toys.design(corpus, [toys.CONDITION], (0,))
    utterances = [Utterance(name, None, "", "") for name in corpus.utterances]
    settings = SimpleNamespace(corpus="toy", test_corpus=None)
    notes = ["left out: anger 4", "Session2: not there"]
    found = designing.audit(settings, design, utterances, notes)
    assert found[-2:] == [Finding("note", "ok", 0, note) for note in notes]
    assert found[:-2] == designing.audit(settings, design, utterances)


def test_a_leak_is_status_1(call, monkeypatch):
    make = folds.make

    def leaky(*args):
        return [fold._replace(train=fold.test) for fold in make(*args)]

    monkeypatch.setattr(folds, "make", leaky)
    status, found, last = call()
    assert status == 1
    errors = [check for check, (level, _) in found.items() if level == "error"]
    assert errors == ["train_speakers", "training_rows", "scaler", "prior"]
    assert last.startswith("error: the audit found errors (train_speakers, training_")


def test_a_copy_of_the_corpus_as_test_corpus_is_heard(call, corpus, tmp_path):
    file = launching.write_corpus(tmp_path / "copy")
    status, found, _ = call("--test_corpus=manifest", f"--test_data_dir={file}")
    assert status == 0
    level, text = found["duplicate_audio"]
    assert level == "warning" and "; 32 of 32 test utterances are trained on" in text
    assert "manifest-train:s0_angry_0.wav = manifest-test:s0_angry_0.wav" in text
    assert found["train_speakers"][0] == "ok"


def test_corpora_that_do_not_go_together_are_wrong_use(call, corpus):
    _, data_dir, _ = corpus
    same = data_dir.replace("--data_dir", "--test_data_dir")
    status, _, last = call("--test_corpus=manifest", same)
    assert status == 2 and "32 utterances are in both corpora" in last
