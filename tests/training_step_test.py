"""One step against the paper's equations on whole utterances, in float64."""

import math
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
import toys
from closeness import assert_equal, assert_same
from jax.flatten_util import ravel_pytree

from vladser import model
from vladser.condition import make, specification
from vladser.data import dataset
from vladser.encoders import lstm
from vladser.engine import placement, training_step
from vladser.engine.timeblocks import UNIT, Blocks
from vladser.objectives import cross_entropy, triplet
from vladser.registry import aggregators
from vladser.types import Buffer, Part, Trial

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

CELLS = 4
CONDITION = make(aggregator="netvlad(clusters=2)", cells=CELLS)
SPEC = specification(CONDITION, 5, 4)
ROWS = np.array([9, 0, -1, 5])
BLOCKS = Blocks(5, UNIT)  # toys have at most 40 frames, in 3 blocks
TERMS = 3 * 40 * (5 + CELLS)  # utterances x frames x what an LSTM's gate adds up


OWN = replace(SPEC, aggregator=Part("toys.whole_mean"))
# That each pooling has the gradient of the whole in pieces: aggregators_test.
DEEP = replace(SPEC, encoder=Part("lstm", (("cells", CELLS), ("layers", 3))))
SPECS = pytest.mark.parametrize(
    "spec", [SPEC, OWN, DEEP], ids=["streams", "does_not", "three_layers"]
)


NOISY = Trial(
    seed=0,
    mean=np.full(5, 0.1),
    scale=np.full(5, 2.0),
    noise=0.3,
    dropout=0.4,
    objective=cross_entropy.Data(
        alpha=0.2,
        prior=np.array([0.1, 0.2, 0.3, 0.4]),
        class_weights=np.ones(4),
        focal=0.0,
        logit_adjustment=np.zeros(4),
    ),
    optimizer={"learning_rate": 0.5, "rho": 0.9},
)

_value_and_gradient = jax.jit(training_step.value_and_gradient, static_argnums=1)
_step = jax.jit(training_step.step, static_argnums=1)
_predict = jax.jit(training_step.predict, static_argnums=(1, 5))
_forward = jax.jit(model.forward, static_argnums=1)


def _buffer(corpus):
    return Buffer(
        corpus.frames.astype(float),
        corpus.offset,
        corpus.length,
        corpus.label,
        dataset.levels(corpus.views),
    )


def _params(spec, seed=0):
    """All of them random, the biases too."""
    draw = np.random.default_rng(seed)
    shapes = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    return jax.tree.map(lambda leaf: draw.normal(0, 0.5, leaf.shape), shapes)


def _space(spec, rows, fill=0.0):
    empty = training_step.empty_workspace(_params(spec), spec, rows, BLOCKS)
    return jax.tree.map(lambda leaf: np.full_like(leaf, fill), empty)


CORPUS = toys.corpus()
DRAWS = training_step.Draws(
    np.random.default_rng(1).normal(size=(*BLOCKS, 4, 5)),
    np.random.default_rng(2).random((*BLOCKS, 4, CELLS)),
    tuple(np.random.default_rng(3).random((2, *BLOCKS, 4, CELLS))),
)


def _found(spec, trial, params=None, corpus=CORPUS, fill=0.0):
    """The loss and its gradient."""
    params, space = params or _params(spec), _space(spec, len(ROWS), fill)
    arguments = trial, _buffer(corpus), ROWS, DRAWS, 0, space
    return _value_and_gradient(params, spec, *arguments)[:2]


def _whole(rows, length):
    """Frames [T, B, D] and mask [T, B] of whole utterances."""
    frames, mask = np.zeros((length, len(rows), 5)), np.zeros((length, len(rows)), bool)
    for column, row in enumerate(rows):
        if row >= 0:
            size = CORPUS.length[row]
            frames[:size, column] = CORPUS.frames[toys.span(CORPUS, row)]
            mask[:size, column] = True
    return frames, mask


@cache
def _plainly(spec):
    """The whole minibatch at once, as the paper says it: noise, LSTM, dropout, pooling,
    classifier, cross-entropy to soft labels; and what autodiff makes of that."""

    def loss(params, trial):
        frames, mask = _whole(ROWS, math.prod(BLOCKS))
        noise, uniform = (jnp.reshape(x, (-1, *x.shape[2:])) for x in DRAWS[:2])
        frames = (frames - trial.mean) * trial.scale + trial.noise * noise
        frames = jnp.where(mask[..., None], frames, 0)
        layers = [params.encoder] if spec is not DEEP else params.encoder
        between = [x.reshape(uniform.shape) for x in DRAWS.between][: len(layers) - 1]
        hidden = frames
        for layer, draws in zip(layers, [*between, uniform], strict=True):
            carry = lstm.start(layer, len(ROWS))
            hidden, _ = lstm.unroll(layer, carry, hidden, mask)
            hidden = hidden * (draws >= trial.dropout) / (1 - trial.dropout)
        pool = jax.vmap(aggregators.build(spec.aggregator).apply, (None, 1, 1))
        vectors = pool(params.aggregator, hidden, mask)
        logits = vectors @ params.head.kernel + params.head.bias
        total = 0
        for row, n in enumerate(ROWS):
            if n >= 0:
                label = np.eye(4)[CORPUS.label[n]]
                alpha, prior = trial.objective.alpha, trial.objective.prior
                target = (1 - alpha) * label + alpha * prior
                total -= (target * jax.nn.log_softmax(logits[row])).sum()
        return total

    return jax.jit(jax.value_and_grad(loss))


@pytest.mark.slow
@SPECS
def test_loss_and_gradient_equal_autodiff_of_the_whole_minibatch(spec):
    blocks = BLOCKS.holding(CORPUS.length[ROWS[ROWS >= 0]])
    assert len(set(blocks)) > 1 and max(blocks) < BLOCKS.number
    found, expected = _found(spec, NOISY), _plainly(spec)(_params(spec), NOISY)
    assert_same(found, expected, TERMS)


@pytest.mark.slow
def test_a_coupled_objective_sees_the_whole_minibatch_on_any_device():
    spec = replace(SPEC, objective=Part("triplet"))
    options = triplet.Data(np.array(0.7), np.array(0.3))
    trial = NOISY._replace(objective=options, noise=0.0, dropout=0.0)
    params, live = _params(spec), ROWS >= 0
    frames, mask = _whole(ROWS, math.prod(BLOCKS))

    def loss(params):
        scaled = (frames - trial.mean) * trial.scale
        vectors, logits = model.forward(params, spec, scaled, mask)
        labels = np.where(live, CORPUS.label[ROWS], -1)
        log_p = jax.nn.log_softmax(logits)[np.flatnonzero(live), labels[live]]
        coupled = triplet.semi_hard(vectors, labels, options.margin)
        return -log_p.sum() + live.sum() * options.weight * coupled

    expected = jax.jit(jax.value_and_grad(loss))(params)
    assert_same(_found(spec, trial, params), expected, TERMS)
    mesh = placement.mesh(1, 1)
    whole = placement.slices(mesh, np.arange(32), model.coupled(spec))
    assert whole.shape == (1, 32) and not model.coupled(SPEC)
    assert placement.slices(mesh, np.arange(32)).size == 32


@pytest.mark.slow
@SPECS
def test_neither_nan_past_the_end_nor_what_the_memory_held_reaches_anything(spec):
    frames = np.full_like(CORPUS.frames, np.nan)
    for row in ROWS[ROWS >= 0]:
        alive = toys.span(CORPUS, row)
        frames[alive] = CORPUS.frames[alive]
    spoilt = replace(CORPUS, frames=frames)
    dirty = _found(spec, NOISY, corpus=spoilt, fill=np.nan)
    assert_equal(dirty, _found(spec, NOISY))


def _stepped(state, trial, rows=ROWS):
    """A step of two slices of two rows."""
    arguments = trial, _buffer(CORPUS), rows.reshape(2, 2), DRAWS, _space(SPEC, 2)
    return _step(state, SPEC, *arguments)[:2]


def _start(params=None):
    return jax.device_get(training_step.init(params or _params(SPEC), SPEC))


@pytest.mark.slow
def test_steps_of_slices_are_zeilers_with_the_mean_gradient_of_the_live_rows():
    state, gradients, live = _start(), [], (ROWS >= 0).sum()
    begin, unravel = ravel_pytree(state.params)
    expected = begin
    for _ in range(3):
        loss, gradient = _plainly(SPEC)(unravel(expected), NOISY)
        gradients.append(np.asarray(ravel_pytree(gradient)[0]) / live)
        expected = oracles.adadelta(np.asarray(begin), gradients, 0.9, 1e-6, 0.5)[-1]
        state, found = _stepped(state, NOISY)
        assert_same(found, np.asarray(loss) / live, TERMS)
    # Of what the steps added: the parameters would hide it.
    added = np.asarray(ravel_pytree(state.params)[0]) - begin
    np.testing.assert_allclose(added, expected - begin, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
def test_a_step_without_a_live_row_leaves_the_state_untouched():
    begin, _ = _stepped(_start(), NOISY)
    state, loss = _stepped(begin, NOISY, np.full(4, -1))
    assert_equal(state, begin)
    assert loss == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "blocks"), [(SPEC, (3, 16)), (OWN, (9, 16)), (SPEC, (2, 64))]
)
def test_predictions_are_those_of_the_whole_utterance_alone(spec, blocks):
    params, buffer = _params(spec), _buffer(CORPUS)
    every = np.array([0, 2, 3, 7, 11])
    frames, mask = _whole(every, 45)
    frames = training_step.standardize(frames, NOISY)
    expected = jax.nn.softmax(_forward(params, spec, frames, mask)[1])
    rows = np.array([[3, -1, 7, 2], [7, 11, 0, -1]])
    found = np.asarray(_predict(params, spec, NOISY, buffer, rows, Blocks(*blocks)))
    assert_same(found.sum(axis=-1), np.ones(rows.shape), 4)
    places = np.searchsorted(every, rows[rows >= 0])
    assert_same(found[rows >= 0], expected[places], TERMS)


@pytest.mark.slow
def test_no_block_has_the_draws_of_another_or_depends_on_how_many_there_are():
    with jax.enable_x64(False):
        empty = training_step.empty_draws(SPEC, 8, Blocks(20, UNIT))
        draw, key = jax.jit(training_step.draw), jax.random.key(3)
        draws, fewer = (jax.device_get(draw(key, empty, n)) for n in (20, 4))
    for many, few in zip(*map(jax.tree.leaves, (draws, fewer)), strict=True):
        assert len(np.unique(many)) > 0.99 * many.size
        np.testing.assert_array_equal(few[:4], many[:4])
        assert not few[4:].any()


@pytest.mark.slow
def test_draws_do_not_depend_on_the_size_of_blocks():
    def drawn(number, frames):
        draws = training_step.empty_draws(DEEP, 3, Blocks(number, frames))
        draws = training_step.draw(jax.random.key(7), draws, jnp.int32(number))
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), draws)

    expected = drawn(8, 16)
    assert_equal(drawn(2, 64), expected)
    assert np.ptp(expected.noise, axis=0).min() > 0
