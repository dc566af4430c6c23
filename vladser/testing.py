"""The contracts of parts, as checks that anybody can call: `check_aggregator(mine())`.

Each check runs a part, which a factory returned, on small random arrays and raises an
AssertionError that names the first rule of its contract (see `contracts`) that the part
breaks. Parts run in float64, where mistakes are larger than roundings: a part must use
the dtype of its parameters and inputs instead of a fixed one.
"""

import inspect
import re
from collections.abc import Callable
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vladser import rules
from vladser.contracts import Aggregator, Encoder, Features, Head
from vladser.rules import expect, expect_finite, expect_same, row, rule

_T = 12
_LENGTHS = (_T, 7, 1, 0)
_COMPILES = "can be compiled, differentiated and vmapped"


def check_features(features: Features) -> None:
    """Checks `contracts.Features`, on noise."""
    with rule("the id has letters, digits, _, . and - alone"):
        expect(re.fullmatch(r"[\w.-]+", features.id, re.ASCII), f"got {features.id!r}")
    with rule("features can be pickled, for worker processes"):
        ForkingPickler.dumps(features)
    if features.setup is None:
        return  # the files of utterances hold them
    with rule("features have frames if they have setup"):
        expect(features.frames, "got none")
    extract, draw = features.setup(), np.random.default_rng(0)
    for samples in features.shortest, features.shortest + 1, 16161:
        signal = draw.integers(-9000, 9000, samples).astype(np.int16)
        with rule("extract returns frames [frames(n), D], float32 and finite"):
            frames = extract(signal.astype(np.float32) / np.float32(32768))
            shape = (features.frames(samples), features.dim)  # type: ignore[misc]
            expect(frames.shape == shape, f"expected {shape}, got {frames.shape}")
            expect(frames.dtype == np.float32, f"got {frames.dtype}")
            expect_finite(frames)
        if features.live:
            with (
                rule("live frames are those of the whole signal, however it was cut"),
                features.live(extract) as live,
            ):
                rows = [*map(live.push, np.array_split(signal, 3)), live.end()]
                expect(np.array_equal(np.concatenate(rows), frames), "they differ")


def check_aggregator(aggregator: Aggregator, dim: int = 8) -> None:
    """Checks `contracts.Aggregator`, and `contracts.Stepwise`, on frames [T, dim]."""
    params, draw = rules.parameters(aggregator, dim), np.random.default_rng(0)
    mask = np.arange(_T) < np.array([*_LENGTHS, _T])[:, None]
    mask[-1, 2:7] = False
    frames = draw.normal(size=(*mask.shape, dim))
    padded = np.where(mask[..., None], frames, np.nan)

    with rule(f"apply {_COMPILES}"):
        run = rules.differentiate(aggregator.apply)
        whole = run(params, frames, mask)
    vectors, (_, frames_bar) = whole
    with rule("apply returns one vector [V], in the dtype of the frames"):
        chex.assert_rank(vectors, 2)
        expect(vectors.dtype == frames.dtype, f"got {vectors.dtype}")
    with rule("the vector and all gradients are finite, without a frame too"):
        expect_finite(whole)
    with rule("padding reaches neither the vector nor a gradient"):
        expect_same(run(params, padded, mask), whole)
        expect(not frames_bar[~mask].any(), "got gradients of padding")
        alone = jax.jit(aggregator.apply)(params, frames[1, :7], np.ones(7, bool))
        expect_same(vectors[1], alone)
    if aggregator.stepwise:
        _check_stepwise(aggregator.stepwise, params, padded, mask, whole)


def _check_stepwise(stepwise, params, frames, mask, whole):
    """Compares with `whole`, the vectors and gradients of `apply`."""
    (start, update, finish), dim = stepwise, frames.shape[-1]

    def begin(params):
        return start(params, dim)

    def in_blocks(params, frames, mask, cut):
        frames, mask = rules.pad(frames, mask, jnp.nan)

        def step(state, places):
            return update(params, state, frames[places], mask[places]), None

        return finish(params, lax.scan(step, begin(params), cut)[0])

    rules.expect_state(begin, update, params, frames[0], mask[0])
    rules.expect_floats(begin, params)
    with rule(f"stepwise {_COMPILES}"):
        run = rules.differentiate(in_blocks)
        in_all_ways = [run(params, frames, mask, cut) for cut in rules.cuttings(mask)]
        no_block = np.zeros((0, _T), int)
        nothing = jax.jit(in_blocks)(params, frames[0], mask[0], no_block)
    with rule("stepwise equals apply, whatever the blocks"):
        for made in in_all_ways:
            expect_same(made, whole)
        expect_same(nothing, whole[0][3])


def check_encoder(encoder: Encoder, dim: int = 5) -> None:
    """Checks `contracts.Encoder`, and `contracts.Recurrence`, on frames [T, B, dim]."""
    params, draw = rules.parameters(encoder, dim), np.random.default_rng(0)
    # Two minibatches: in the second one utterance alone has frames.
    mask = np.arange(_T)[:, None] < np.array([_LENGTHS, (0, 7, 0, 0)])[:, None]
    drawn = draw.normal(size=(_T, len(_LENGTHS), dim))
    frames = np.where(mask[..., None], drawn, 0)

    with rule(f"apply {_COMPILES}"):
        run = rules.differentiate(encoder.apply, _where_frames_are)
        whole = run(params, frames, mask)
        alone = run(params, drawn[None, :7, 1:2], np.ones((1, 7, 1), bool))
    outputs, (params_bar, frames_bar) = whole
    with rule("apply returns one vector a frame, [T, B, H], in the frames' dtype"):
        chex.assert_shape(outputs, (*mask.shape, None))
        expect(outputs.dtype == frames.dtype, f"got {outputs.dtype}")
    with rule("outputs, those of padding too, and all gradients are finite"):
        expect_finite(whole)
    with rule("no output depends on padding or on another utterance"):
        for batch in 0, 1:
            expect_same(outputs[batch, :7, 1], alone[0][0, :, 0])
    with rule("no gradient depends on padding"):
        expect_same(row(params_bar, 1), row(alone[1][0], 0))
        expect_same(frames_bar[1, :7, 1], alone[1][1][0, :, 0])
    if encoder.recurrence:
        whole = outputs * mask[..., None], whole[1]
        _check_recurrence(encoder.recurrence, params, frames, mask, whole)


def _check_recurrence(recurrence, params, frames, mask, whole):
    start, residuals, update, between = recurrence
    undropped = [lambda outputs, place: outputs] if between else []

    def begin(params):
        return start(params, frames.shape[2])

    def advance(params, carry, frames, mask):
        saved = lax.stop_gradient(residuals(params, carry, frames, mask, *undropped))
        outputs, carry = update(params, carry, frames, mask, saved, *undropped)
        return carry, outputs

    def in_blocks(params, frames, mask, cut):
        frames, mask = rules.pad(frames, mask, 0)

        def step(carry, places):
            return advance(params, carry, frames[places], mask[places])

        outputs = lax.scan(step, begin(params), cut)[1]
        in_order = jnp.zeros((_T + 1, *outputs.shape[2:])).at[cut].set(outputs)
        return in_order[:_T]

    rules.expect_state(
        begin, lambda *block: advance(*block)[0], params, frames[0], mask[0]
    )
    rules.expect_floats(begin, params)
    with rule(f"the recurrence {_COMPILES}"):
        run = rules.differentiate(in_blocks, _where_frames_are)
        in_all_ways = [run(params, frames, mask, cut) for cut in rules.cuttings(mask)]
    with rule("the recurrence has finite outputs, those of padding too"):
        expect_finite(in_all_ways)
    with rule("the recurrence equals apply, whatever the blocks"):
        for outputs, gradients in in_all_ways:
            expect_same((outputs * mask[..., None], gradients), whole)


def _where_frames_are(outputs, params, frames, mask, *cut):
    return jnp.where(mask[..., None], outputs, 0)


def check_head(head: Head, size: int = 6, classes: int = 3) -> None:
    """Checks `contracts.Head`, from vectors [B, size] to logits [B, classes]."""
    params, draw = rules.parameters(head, size, classes), np.random.default_rng(0)
    vectors = draw.normal(size=(2, 4, size))
    vectors[0, 0] = 0
    with rule(f"apply {_COMPILES}"):
        logits, _ = whole = rules.differentiate(head.apply)(params, vectors)
        alone = jax.jit(head.apply)(params, vectors[1, 2:3])
    with rule("apply returns logits [B, classes], in the dtype of the vectors"):
        chex.assert_shape(logits, (2, 4, classes))
        expect(logits.dtype == vectors.dtype, f"got {logits.dtype}")
    with rule("logits and gradients are finite"):
        expect_finite(whole)
    with rule("no logits depend on another utterance"):
        expect_same(logits[1, 2:3], alone)


def check_objective(factory: Callable, **options: Any) -> None:
    """Checks `contracts.Objective`, as the factory makes it by default and with
    `options`, which have other values than the defaults."""
    size, classes, draw = 6, 3, np.random.default_rng(0)
    default, other = factory(), factory(**options)
    params = rules.parameters(default, size, classes)
    labels = np.repeat([0, 1, 2], [6, 3, 1])
    with rule("prepare makes numpy arrays of finite numbers, alike in shape"):
        data = [
            objective.prepare(training_set, classes)
            for objective in (default, other)
            for training_set in (labels, labels[:9])  # the second lacks a class
        ]
        for leaf in jax.tree.leaves(data):
            expect(isinstance(leaf, np.ndarray | np.generic), f"got {leaf!r:.60}")
        expect_finite(data)
        chex.assert_trees_all_equal_shapes_and_dtypes(*data)
        data = jax.tree.map(lambda *leaves: np.stack(leaves), *data)

    vectors = draw.normal(size=(4, len(labels), size))
    logits = draw.normal(size=(4, len(labels), classes))
    logits[:, :2] = 1e4 * np.eye(classes)[:2]  # certain of the right and a wrong class

    def losses_of(objective):
        return lambda params, inputs, data, labels: objective.loss(
            params, data, *inputs, labels
        )

    with rule(f"loss {_COMPILES}"):
        arguments = (vectors, logits), data, np.stack([labels] * 4)
        whole, by_other = (
            rules.differentiate(losses_of(objective))(params, *arguments)
            for objective in (default, other)
        )
        few = vectors[0, 2:5], logits[0, 2:5]
        part = jax.jit(losses_of(default))(params, few, row(data, 0), labels[2:5])
    with rule("loss returns one number an utterance, [B]"):
        chex.assert_shape(whole[0], (4, len(labels)))
    with rule("losses and gradients are finite"):
        expect_finite((whole, by_other))
    with rule("loss sees the options in its data alone"):
        expect_same(by_other, whole)
    if default.coupled:
        _check_empty_rows(losses_of(default), params, arguments)
        return
    with rule("no loss depends on another utterance"):
        expect_same(part, whole[0][0, 2:5])


def _check_empty_rows(losses, params, arguments):
    """Puts other numbers into rows whose label is -1."""
    inputs, data, labels = arguments
    labels = np.where(empty := np.arange(labels.shape[1]) % 3 == 1, -1, labels)
    run = rules.differentiate(losses, lambda made, *_: made[~empty])

    def filled(number):
        changed = [np.where(empty[:, None], number, x) for x in inputs]
        return run(params, tuple(changed), data, labels)

    made, changed = filled(0.0), filled(3.0)
    with rule("rows of label -1 reach neither other losses nor a gradient"):
        expect_same(made[0][:, ~empty], changed[0][:, ~empty])
        expect_same(made[1], changed[1])
        expect_finite(made)


def check_optimizer(factory: Callable, **options: float) -> None:
    """Checks `contracts.Optimizer`, as the factory makes it by default and with
    `options`, which have other values than the defaults."""
    draw = np.random.default_rng(0)
    params = {"kernel": draw.normal(size=(3, 2)), "bias": np.float64(0.5)}
    gradients = jax.tree.map(lambda leaf: draw.normal(size=(4, *leaf.shape)), params)
    gradients["kernel"][:, :, 0] = 0
    signature = inspect.signature(factory).parameters
    defaults = {name: option.default for name, option in signature.items()}
    settings = defaults, defaults | options

    init = factory().init  # the same for all options

    def step(options, params, state, gradient):
        update, state = factory(**options).update(gradient, state, params)
        return state, update

    def updates_by(options):
        return lax.scan(partial(step, options, params), init(params), gradients)[1]

    def state_after(*arguments):
        return step(options, *arguments)[0]

    rules.expect_state(init, state_after, params, row(gradients, 0))
    with rule("update compiles with options that jax traces, and is vmapped over them"):
        stacked = jax.tree.map(lambda *values: np.array(values, float), *settings)
        traced = jax.jit(jax.vmap(updates_by, axis_size=2))(stacked)
    with rule("updates are finite, that of a zero gradient too"):
        expect_finite(traced)
    with rule("updates equal those of options that are not traced"):
        for place, numbers in enumerate(settings):
            expected = jax.jit(lambda numbers=numbers: updates_by(numbers))()
            expect_same(row(traced, place), expected)
    with rule("the first update goes against the gradient"):
        product = jax.tree.map(lambda u, g: (u[0, 0] * g[0]).sum(), traced, gradients)
        expect(sum(jax.tree.leaves(product)) < 0, "got one along it")
