"""The contracts of what jax computes an utterance with: encoder, aggregator, head."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from vladser.checks import rules
from vladser.checks.rules import COMPILES, expect, expect_finite, expect_same, row, rule
from vladser.contracts import Aggregator, Encoder, Head

_T = 12
_LENGTHS = (_T, 7, 1, 0)


def check_aggregator(aggregator: Aggregator, dim: int = 8) -> None:
    """Checks `contracts.Aggregator`, and `contracts.Stepwise`, on frames [T, dim]."""
    params, draw = rules.parameters(aggregator, dim), np.random.default_rng(0)
    mask = np.arange(_T) < np.array([*_LENGTHS, _T])[:, None]
    mask[-1, 2:7] = False
    frames = draw.normal(size=(*mask.shape, dim))
    padded = np.where(mask[..., None], frames, np.nan)

    with rule(f"apply {COMPILES}"):
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
    with rule(f"stepwise {COMPILES}"):
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

    with rule(f"apply {COMPILES}"):
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
    with rule(f"the recurrence {COMPILES}"):
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
    with rule(f"apply {COMPILES}"):
        logits, _ = whole = rules.differentiate(head.apply)(params, vectors)
        alone = jax.jit(head.apply)(params, vectors[1, 2:3])
    with rule("apply returns logits [B, classes], in the dtype of the vectors"):
        chex.assert_shape(logits, (2, 4, classes))
        expect(logits.dtype == vectors.dtype, f"got {logits.dtype}")
    with rule("logits and gradients are finite"):
        expect_finite(whole)
    with rule("no logits depend on another utterance"):
        expect_same(logits[1, 2:3], alone)
