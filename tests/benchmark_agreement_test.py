"""The contestants of the benchmark train one model."""

import pytest

from launch.benchmarking import agreement, contestant

PARAMETERS = {
    "loss",
    "lstm.input_kernel",
    "lstm.recurrent_kernel",
    "lstm.bias",
    "aggregator.w",
    "aggregator.b",
    "aggregator.c",
    "kernel",
    "bias",
}


@pytest.mark.long
@pytest.mark.parametrize("name", contestant.PEERS)
def test_loss_and_gradients_of_a_peer_are_ours(name):
    if name.startswith("torch"):
        pytest.importorskip("torch")
    found = agreement.errors(contestant.load(name), contestant.load("ours"))
    assert found.keys() == PARAMETERS
    assert max(found.values()) < agreement.TOLERANCE, found


@pytest.mark.slow
def test_a_peer_that_mixes_up_two_gates_disagrees_in_nothing_else():
    class Wrong(contestant.load("flax_linen")):
        def to_ours(self, params):
            cell = params["lstm"]
            swapped = cell | {"if": cell["io"], "io": cell["if"]}
            return super().to_ours(params | {"lstm": swapped})

    found = agreement.errors(Wrong, contestant.load("ours"))
    assert found.keys() == PARAMETERS
    wrong = {name for name, error in found.items() if error > agreement.TOLERANCE}
    assert wrong == {"lstm.input_kernel"}
