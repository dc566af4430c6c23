"""An utterance that comes in pieces has the vector of the whole, wherever it is cut."""

import jax
import numpy as np
import pytest

from vladser import aggregators, lstm

SPLITS, LONGEST, CELLS = 1000, 150, 16
WIDTH = 32  # frames that a chunk is padded to, so that one program serves all


@pytest.fixture(scope="module")
def outputs():
    """[T, 32, CELLS] of an LSTM whose input is loud."""
    key, input_key = jax.random.split(jax.random.key(0))
    params = lstm.init(key, 5, CELLS)
    frames = 3 * jax.random.normal(input_key, (LONGEST, 32, 5))
    carry, mask = lstm.start(params, 32), np.ones((LONGEST, 32), bool)
    return np.asarray(lstm.unroll(params, frames, mask, carry)[0])


@pytest.fixture(scope="module")
def cases(outputs):
    """Utterances of 1 to LONGEST frames, of which a mask leaves out some, and the
    chunks that they come in: of 0 to WIDTH frames, many of none or one."""
    draw, found = np.random.default_rng(0), []
    for number in range(SPLITS):
        length = int(draw.integers(1, LONGEST + 1))
        mask = draw.random(length) >= draw.choice([0, 0.1, 0.9])
        frames = np.where(mask[:, None], outputs[:length, number % 32], np.nan)
        chunks, place = [], 0
        while place < length:
            size = int(draw.choice([0, 1, draw.integers(WIDTH + 1)]))
            part = slice(place, place + size)
            chunks.append(_padded(frames[part], mask[part], WIDTH))
            place += size
        found.append((_padded(frames, mask, LONGEST), chunks))
    return found


def _padded(frames, mask, size):
    padded = np.full((size, CELLS), np.nan, np.float32)
    padded[: len(frames)] = frames
    return padded, np.pad(mask, (0, size - len(mask)))


@pytest.mark.parametrize("name", aggregators.names())
def test_a_thousand_splits_give_the_vector_of_the_whole(name, cases):
    aggregator = aggregators.build(aggregators.parse(name))
    params = aggregator.init(jax.random.key(1), CELLS)
    params = jax.tree.map(lambda p: p + 0.1, params)  # away from biases of zero
    functions = aggregator.apply, *aggregator.stream[1:]
    apply, update, finish = map(jax.jit, functions)
    begin, worst = aggregator.stream.start(params, CELLS), 0.0
    for whole, chunks in cases:
        state = begin
        for chunk in chunks:
            state = update(params, state, *chunk)
        error = finish(params, state) - apply(params, *whole)
        worst = max(worst, np.abs(error).max())
    print(f"\n{name}: {SPLITS} splits, worst error {worst:.1e}")
    assert worst < 1e-5
