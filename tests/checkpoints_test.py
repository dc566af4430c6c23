"""A training that goes on from a checkpoint, against one that never stopped."""

import numpy as np
import pytest
import toys
from closeness import assert_equal
from run_dir_test import damages

from launch.experiment.checkpoints import Checkpoints, Figures
from vladser.engine import events, experiment
from vladser.engine.trial_batches import TrialBatch

pytestmark = pytest.mark.numeric


@pytest.mark.slow
@pytest.mark.parametrize("validation", [False, True])
def test_it_goes_on_to_the_bit_after_each_epoch(validation, tmp_path):
    conditions = [toys.but(epochs=3)]
    design = toys.design(toys.corpus(), conditions, validation=validation)
    *whole, expected = experiment.run(design)
    kept, batch = Checkpoints(tmp_path), TrialBatch(range(2), [0], range(4))
    happened, last, resume = [], None, None
    while not isinstance(last, events.Outcome):
        for last in experiment.run(design, due=lambda: True, resume=resume):
            happened.append(last)
            if isinstance(last, events.Checkpoint):
                kept.save(batch, last, Figures())
                resume, _ = kept.latest(batch)
                break
    assert_equal(last, expected)
    for kind, fields in ((events.Step, 3), (events.Epoch, 3)):
        one, other = ([e for e in es if type(e) is kind] for es in (happened, whole))
        assert_equal(
            [event[:fields] for event in one], [event[:fields] for event in other]
        )


def test_a_file_that_is_damaged_anywhere_is_noticed(tmp_path, capsys):
    batch, kept = TrialBatch([0], [0], [0, 1]), Checkpoints(tmp_path)
    # Ten leaves and more, whose numbers sort otherwise as text.
    leaves = [np.full((1, 2, n), n, np.float32) for n in range(12)]
    now = events.beginning(1, 2)._replace(epoch=3, leaves=leaves)
    kept.save(batch, now, Figures(frames=7))
    found, figures = kept.latest(batch)
    assert_equal(found, now)
    assert figures.frames == 7
    assert kept.latest(TrialBatch([1], [0], [1])) is None
    (file,) = tmp_path.iterdir()
    for content in damages(file.read_bytes()):
        file.write_bytes(content)
        found = kept.latest(batch)
        if found is None:
            assert f"{file} is damaged" in capsys.readouterr().err
        else:  # what no reader looks at
            assert_equal(found[0], now)
