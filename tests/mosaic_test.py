"""The LSTM's kernels for TPUs, interpreted and compared with the scans; and what TPUs'
compiler makes of them, without any TPU."""

import re
from functools import partial

import accelerators_test
import jax
import numpy as np
import pytest
from closeness import assert_same
from jax.experimental import topologies
from jax.sharding import Mesh, SingleDeviceSharding

from vladser.condition import make
from vladser.kernels import lstm_mosaic, lstm_scan
from vladser.kernels.lstm_scan import Carry

TOPOLOGIES = "v4:2x2x1", "v5e:2x2", "v6e:2x2"


def shapes(trials, frames, batch, cells, **options):
    """Of what goes into both directions, by trial."""

    def array(*shape, dtype="f4"):
        return jax.ShapeDtypeStruct((*trials, *shape), dtype, **options)

    state = array(batch, cells)
    return {
        "projected": array(frames, batch, 4 * cells),
        "mask": array(frames, batch, dtype=bool),
        "kernel": array(cells, 4 * cells),
        "carry": Carry(state, state),
        "hidden_bar": array(frames, batch, cells),
        "carry_bar": Carry(state, state),
    }


def draws(trials, frames, batch, cells):
    """Random arrays of these shapes; masks have holes."""
    draw = np.random.default_rng(cells)

    def array(like):
        drawn = draw.normal(size=like.shape)
        return drawn > -0.5 if like.dtype == bool else drawn.astype("f4")

    drawn = jax.tree.map(array, shapes(trials, frames, batch, cells))
    return drawn | {"kernel": drawn["kernel"] / np.float32(cells**0.5)}


def both_ways(
    loops, projected, mask, kernel, carry, hidden_bar, carry_bar, **interpret
):
    saved = loops.forward(projected, mask, kernel, carry, **interpret)
    given = hidden_bar, carry_bar, mask, kernel, carry, saved
    return saved, loops.backward(*given, **interpret)


def of_trials(trials, loops, **interpret):
    def function(given):
        return both_ways(loops, **given, **interpret)

    for _ in trials:
        function = jax.vmap(function)
    return jax.jit(function)


def assert_as_scanned(trials, frames, batch, cells):
    given = draws(trials, frames, batch, cells)
    found = of_trials(trials, lstm_mosaic, interpret=True)(given)
    expected = of_trials(trials, lstm_scan)(given)
    assert_same(found, expected, frames * cells)


@pytest.mark.slow
@pytest.mark.parametrize(
    "trials, frames, batch, cells",
    [
        ((), 1, 3, 32),
        ((), 5, 8, 128),
        ((2,), 4, 1, 20),
        ((3,), 4, 9, 64),
        ((3, 2), 3, 5, 96),
    ],
)
def test_the_kernels_compute_what_the_scans_do(trials, frames, batch, cells):
    assert_as_scanned(trials, frames, batch, cells)


@pytest.mark.slow
def test_rows_that_the_memory_does_not_hold_at_once_are_walked_in_blocks(monkeypatch):
    monkeypatch.setattr(lstm_mosaic, "MEMORY", 2**18)
    assert lstm_mosaic._rows(4, 64) == 8
    assert_as_scanned((2,), 4, 20, 64)


@pytest.mark.parametrize(
    "frames, cells, dtype, taken",
    [
        (1, 1, "f4", True),
        (64, 256, "f4", True),
        (64, 257, "f4", False),
        (64, 64, "f2", False),
        (1000, 64, "f4", False),
    ],
)
def test_what_does_not_fit_is_left_to_the_scans(frames, cells, dtype, taken):
    gates = jax.ShapeDtypeStruct((frames, 7, 4 * cells), dtype)
    assert lstm_mosaic.takes(gates) == taken


@pytest.mark.parametrize(
    "asked, given",
    [("default", "DEFAULT"), ("high", "HIGHEST"), ("highest", "HIGHEST")],
)
def test_matrix_products_are_as_precise_as_asked(asked, given):
    program = partial(both_ways, lstm_mosaic)
    with jax.default_matmul_precision(asked):
        text = str(jax.make_jaxpr(program)(*shapes((), 2, 8, 32).values()))
    assert set(re.findall(r"Precision\.(\w+)", text)) == {given}


@pytest.fixture(scope="module", params=TOPOLOGIES)
def device(request):
    """A device that is not there."""
    pytest.importorskip("libtpu", reason="libtpu compiles for TPUs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TPU_SKIP_MDS_QUERY", "1")  # no cloud to ask
        patch.setenv("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # by other tests, at this time
        device, *_ = topologies.get_topology_desc(request.param, "tpu").devices
        yield device


def kernels(compiled):
    return compiled.as_text().count('custom_call_target="tpu_custom_call"')


@pytest.mark.long
@pytest.mark.parametrize("precision", ["default", "high"])
@pytest.mark.parametrize(
    "frames, batch, cells",
    [(1, 1, 32), (16, 20, 64), (3, 5, 96), (16, 300, 64), (64, 8, 256)],
)
def test_tpus_compile_them_for_trials_of_trials(
    device, precision, frames, batch, cells
):
    where = SingleDeviceSharding(device)
    given = shapes((2, 3), frames, batch, cells, sharding=where)
    with jax.default_matmul_precision(precision):
        program = of_trials((2, 3), lstm_mosaic).lower(given)
    assert kernels(program.compile()) == 2


@pytest.mark.long
def test_tpus_compile_a_step_of_training_with_them(device):
    mesh = Mesh(np.array([[device]]), ("seed", "trial"))
    condition = make(aggregator="netvlad", kernel="fused")
    assert kernels(accelerators_test._compiled(mesh, condition)) == 2
