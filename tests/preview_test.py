import json

import launching
import pytest
from forkserver import quick_workers  # noqa: F401 (a fixture)
from launching import SMALL

from vladser.corpora import manifest
from vladser.features.extraction import extract


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return launching.write_corpus(tmp_path_factory.mktemp("preview") / "toy")


@pytest.fixture
def preview(file, tmp_path, capsys):
    """What --dry_run prints, by the word that a line starts with."""

    def preview(*argv):
        data, folder = f"--data_dir={file}", f"--run_dir={tmp_path / 'run'}"
        given = "--corpus=manifest", data, folder, *SMALL, "--dry_run", *argv
        assert launching.call(*given) == 0
        out, err = capsys.readouterr()
        assert not err
        return dict(line.split(maxsplit=1) for line in out.splitlines())

    return preview


def test_it_says_what_would_run_and_makes_nothing(preview, tmp_path):
    said = preview()
    assert said["corpus"].startswith("manifest: 32 utterances of 4 speakers, ")
    assert said["classes"] == "angry 8, happy 8, sad 8, neutral 8"
    # 2 (147 + 4) 16 numbers twice, 2 x 4 x 16 once: of each of 100 frames.
    million, hours, name = said["condition"].split(maxsplit=2)
    assert name == "mean, unigram 0.2, cells 4"
    assert float(million) == pytest.approx(100 * (4 * 151 * 16 + 128) / 1e6, rel=0.05)
    assert float(hours) < 0.1
    assert said["cost"].startswith("MFLOP  hours  a second of speech; 0.0")
    assert said["cost"].endswith(" GFLOP/s")
    assert said["trials"] == "8 = 1 condition x 4 folds x 2 seeds; 2 epochs of 1 step"
    assert said["batches"] == "1, the largest of 8 trials"
    assert said["memory"].endswith(" MiB of arrays on each of 2 devices (cpu)")
    assert said["results"] == str(tmp_path / "run")
    assert not any(tmp_path.iterdir())


def _network(folder, size):
    """Writes the settings of a network of 50 frames a second; returns the flag."""
    folder.mkdir()
    sizes = {"hidden_size": size, "num_hidden_layers": 2}
    steps = {"conv_kernel": [400], "conv_stride": [320]}
    for name, content in {
        "config.json": {"model_type": "hubert", **sizes, **steps},
        "preprocessor_config.json": {"sampling_rate": 16000},
        "model.safetensors": {},
    }.items():
        (folder / name).write_text(json.dumps(content))
    return f"--features=embedding(model={folder},layer=1)"


def test_a_second_has_as_many_frames_as_the_features_say(preview, tmp_path):
    """50 of embeddings, whose settings are read and whose network is not loaded."""
    said = preview(_network(tmp_path / "network", 147))
    million, *_ = said["condition"].split()
    assert float(million) == pytest.approx(50 * (4 * 151 * 16 + 128) / 1e6, rel=0.05)


def test_it_knows_what_stays_in_files(preview, tmp_path):
    """A device then has two steps, here of all frames each, in the place of all."""
    features = _network(tmp_path / "network", 20_000)

    def memory(*given):
        one = "--hold_out=none", "--final_model", "--seeds=1"
        said = preview(features, *one, *given)["memory"]
        return int(said.split()[1].replace(",", ""))

    more = memory("--from_disk") - memory()
    frames = int(preview(features)["corpus"].split()[-2].replace(",", ""))
    assert more == pytest.approx(frames * 20_000 * 4 / 2**20, rel=0.1)


@pytest.mark.usefixtures("quick_workers")
@pytest.mark.slow
def test_it_counts_the_frames_that_are_extracted(preview, file, tmp_path):
    found = extract(manifest.read(file).utterances, tmp_path).features.values()
    frames = sum(map(len, found))
    assert preview()["corpus"].endswith(f" of 4 speakers, {frames:,} frames")


@pytest.mark.parametrize(
    ("pieces", "frames"),
    [("first(frames=5)", 5), ("loudest(frames=10,share=0)", 10)],
)
def test_it_counts_the_frames_of_pieces(preview, pieces, frames):
    said = preview(f"--pieces={pieces}")  # one an utterance
    count = 24 * frames * 4 * 2 * 2  # of four folds, two seeds, two epochs
    assert said["training"] == f"{count:,} frames"


def test_it_counts_steps_and_batches(preview):
    small = "--batch_size=8", "--epochs=1", "--seeds=3", "--trials_at_once=4"
    said = preview(*small)  # the steps of the fold that trains on most
    assert said["trials"] == "12 = 1 condition x 4 folds x 3 seeds; 1 epoch of 3 steps"
    assert said["batches"] == "3, the largest of 4 trials"


def test_it_says_what_each_condition_costs(preview):
    grid = "--grid=pieces=whole,windows(frames=20,hop=10,silence=0.0)", "--cells=32"
    said = preview("--aggregator=final", *grid, "--epochs=1000000")
    once, hours, _ = said["condition"].split(maxsplit=2)
    (windows,) = (key for key, rest in said.items() if "pieces" in rest)
    assert float(windows) == pytest.approx(2 * float(once), rel=0.2)
    longer, _ = said[windows].split(maxsplit=1)
    ratio = float(windows) / float(once)
    assert float(longer.replace(",", "")) == pytest.approx(
        ratio * float(hours.replace(",", "")), rel=0.1
    )
