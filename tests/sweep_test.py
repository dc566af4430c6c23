import jax
import numpy as np
import pytest

from vladser import sweep


class _Device:
    platform = "cpu"


@pytest.mark.parametrize(
    ("seeds", "trials", "devices", "busiest"),
    [(1, 10, 2, 5), (5, 10, 2, 25), (3, 10, 4, 9), (5, 10, 64, 1), (1, 1, 8, 1)],
)
def test_the_busiest_device_has_the_fewest_trials(seeds, trials, devices, busiest):
    mesh = sweep.mesh(seeds, trials, [_Device() for _ in range(devices)])
    rows, columns = mesh.devices.shape
    assert mesh.size <= min(devices, seeds * trials)
    assert -(-seeds // rows) * -(-trials // columns) == busiest


def test_place_fills_up_the_rectangle():
    mesh = sweep.mesh(1, 3, jax.devices())
    array = np.arange(6.0).reshape(1, 3, 2)
    filled = np.asarray(sweep.place(mesh, array, empty=-1))
    np.testing.assert_array_equal(filled[:, :3], array)
    assert (filled[:, 3:] == -1).all()
    copied = np.asarray(sweep.place(mesh, array))
    np.testing.assert_array_equal(copied[:, 3], array[:, 2])
