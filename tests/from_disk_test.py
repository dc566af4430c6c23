"""Features that stay in their files: corpora that are larger than the memory."""

import json

import launching
import pytest
from forkserver import quick_workers  # noqa: F401 (a fixture)
from launching import SMALL

from launch.command_line import cli
from launch.command_line.flags import Settings
from launch.experiment import loading
from vladser import machine
from vladser.features import cache
from vladser.features.packed import Unread

pytestmark = pytest.mark.usefixtures("quick_workers")

FEATURES = "--grid=features=vladser147,lee32,logmel(bands=8)"
SAME = "dataset.json", "metrics.jsonl", "predictions.csv", "summary.json"


@pytest.mark.slow
def test_results_are_the_same_even_where_the_cache_may_not_hold_the_features(
    corpus, train, tmp_path, monkeypatch
):
    how = FEATURES, "--seeds=1", "--standardize=speaker"
    assert train(*how) == 0
    monkeypatch.setattr(cache, "LIMIT", 1)
    folder, own = tmp_path / "other", f"--cache_dir={tmp_path / 'cache'}"
    given = *corpus, *SMALL, *how, f"--run_dir={folder}", own, "--from_disk"
    assert launching.call(*given) == 0
    launching.same(folder, tmp_path / "run", SAME)
    described = json.loads((folder / "dataset.json").read_text())
    assert len(described["feature_sets"]) == 3


@pytest.fixture
def unread(corpus, tmp_path):
    """Loads three sets of features; returns whether each stays in its files."""

    def load(*given):
        flags = *corpus, f"--cache_dir={tmp_path / 'cache'}", FEATURES, *given
        loaded = loading.load(cli.parse(Settings, flags), None)
        frames = [data.frames for data in loaded.datasets.values()]
        return [isinstance(these, Unread) for these in frames]

    return load


@pytest.mark.slow
def test_features_that_do_not_fit_into_half_of_the_memory_together_stay_there(
    unread, monkeypatch
):
    assert unread("--from_disk") == [True] * 3
    assert unread() == [False] * 3
    whole = 32 * 45 * 4  # bytes of a column, or somewhat less
    monkeypatch.setattr(machine, "memory", lambda: 2 * 3 * 100 * whole)
    assert unread() == [True, False, False]
