from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from closeness import assert_same

from vladser import model
from vladser.aggregators import stepwise
from vladser.condition import make, specification
from vladser.errors import InputError
from vladser.registry import aggregators

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

DIM, LONGEST, CHUNKS, SPLITS = 8, 24, 8, 40
LENGTHS = (0, 1, 2, 17, LONGEST)
TERMS = LONGEST * DIM  # the frames' products with the parameters, over time


FAST = "mean", "netvlad"  # to compile


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in aggregators.names()
    ]
)
def name(request):
    return request.param


@cache
def _built(name):
    aggregator = aggregators.build(aggregators.parse(name))
    params = aggregator.init(jax.random.key(3), DIM)
    # Away from initial values such as zero biases, which would hide a mistake.
    return aggregator, jax.tree.map(lambda p: np.float64(p) + 0.1, params)


def _frames(length, padding=0):
    frames = np.random.default_rng(length).normal(size=(length, DIM))
    padded = np.full((length + padding, DIM), np.nan)
    padded[:length] = frames
    return padded, np.arange(len(padded)) < length


@cache
def _cases():
    """Utterances and how each is cut: frames [N, LONGEST, DIM], the mask [N, LONGEST],
    and which frames are in each chunk [N, CHUNKS, LONGEST], -1 for none.

    First those of LENGTHS, then 17 frames with holes, each in one chunk; then SPLITS at
    random as a whole, and these cut into pieces, of which many are of none or one.
    """
    draw, found = np.random.default_rng(0), []
    uncut = np.full((CHUNKS, LONGEST), -1)
    uncut[0] = np.arange(LONGEST)
    for length in LENGTHS:
        found.append((*_frames(length, LONGEST - length), uncut))
    holes = draw.permutation(LONGEST) < 17
    found.append((_spread(_frames(17)[0], holes), holes, uncut))
    some = []
    for _ in range(SPLITS):
        mask = np.arange(LONGEST) < draw.integers(1, LONGEST + 1)
        mask &= draw.random(LONGEST) >= draw.choice([0, 0.1, 0.9])
        # Like the outputs of an LSTM whose input is loud.
        frames = np.tanh(2 * draw.normal(size=(mask.sum(), DIM)))
        some.append((_spread(frames, mask), mask))
    found += [(*one, uncut) for one in some]
    found += [(*one, _pieces(draw)) for one in some]
    return tuple(map(np.stack, zip(*found, strict=True)))


def _spread(frames, mask):
    spread = np.full((LONGEST, DIM), np.nan)
    spread[mask] = frames
    return spread


def _pieces(draw):
    pieces, place = np.full((CHUNKS, LONGEST), -1), 0
    for number, piece in enumerate(pieces):
        size = int(draw.choice([0, 1, draw.integers(LONGEST // 2)]))
        size = LONGEST if number == CHUNKS - 1 else size
        part = np.arange(place, min(place + size, LONGEST))
        at = draw.integers(LONGEST - len(part) + 1)  # what is empty lies around it
        piece[at : at + len(part)] = part
        place += len(part)
    return pieces


@cache
def _program(name):
    """(params, *_cases()) -> a loss of each utterance, its vector, and the gradients
    with respect to parameters and frames: one compilation a pooling."""
    start, update, finish = _built(name)[0].stepwise

    def loss(params, frames, mask, cut):
        def step(state, places):
            kept = (places >= 0) & mask[places]
            here = jnp.where(kept[:, None], frames[places], jnp.nan)
            return update(params, state, here, kept), None

        begin = start(params, DIM)
        after = jax.eval_shape(lambda: step(begin, cut[0])[0])
        begin = jax.tree.map(lambda x, y: jnp.asarray(x, y.dtype), begin, after)
        vector = finish(params, jax.lax.scan(step, begin, cut)[0])
        return jnp.sum(jnp.sin(vector)), vector

    value = jax.value_and_grad(loss, (0, 1), has_aux=True)
    return jax.jit(jax.vmap(value, in_axes=(None, 0, 0, 0)))


@cache
def _results(name):
    with jax.enable_x64(True):
        found = _program(name)(_built(name)[1], *_cases())
    (_, vectors), (params_bar, frames_bar) = jax.tree.map(np.asarray, found)
    return vectors, params_bar, frames_bar


def _of(name, place):
    """All that was computed of one utterance."""
    return jax.tree.map(lambda leaf: leaf[place], _results(name))


def test_equals_naive_numpy(name):
    vectors, params = _results(name)[0], _built(name)[1]
    for length, vector in zip(LENGTHS, vectors, strict=False):
        expected = np.zeros_like(vector)
        if length:
            expected = getattr(oracles, name)(params, _frames(length)[0])
        assert_same(vector, expected, TERMS)


def test_gradients_are_differences_of_naive_numpy(name):
    params, frames = _built(name)[1], _frames(17)[0]
    _, params_bar, frames_bar = _results(name)
    place, draw = LENGTHS.index(17), np.random.default_rng(0)
    leaves, tree = jax.tree.flatten(params)

    def loss(leaves, frames):
        return np.sin(getattr(oracles, name)(tree.unflatten(leaves), frames)).sum()

    slopes = [leaf[place] for leaf in jax.tree.leaves(params_bar)]
    for _ in range(3):
        way = [draw.normal(size=np.shape(leaf)) for leaf in leaves]
        way_of_frames = draw.normal(size=frames.shape)
        found = (way_of_frames * frames_bar[place, :17]).sum()
        found += sum((a * b).sum() for a, b in zip(way, slopes, strict=True))
        step = 1e-5
        ends = [
            loss(
                [a + sign * step * b for a, b in zip(leaves, way, strict=True)],
                frames + sign * step * way_of_frames,
            )
            for sign in (1, -1)
        ]
        # A central difference errs by the square of the step, times third derivatives.
        expected = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_what_the_mask_leaves_out_reaches_neither_vector_nor_gradients(name):
    plain, spread = LENGTHS.index(17), len(LENGTHS)
    mask = _cases()[1]
    for one, other in zip(_of(name, spread)[:2], _of(name, plain)[:2], strict=True):
        assert_same(one, other, TERMS)
    frames_bar = _results(name)[2]
    kept = frames_bar[spread][mask[spread]], frames_bar[plain][mask[plain]]
    assert_same(*kept, TERMS)
    assert (frames_bar[~mask] == 0).all()


def test_an_utterance_in_pieces_has_the_vector_and_the_gradients_of_the_whole(name):
    first = len(LENGTHS) + 1
    for whole in range(first, first + SPLITS):
        assert_same(_of(name, whole + SPLITS), _of(name, whole), TERMS)


def test_apply_is_the_whole_in_one_chunk(name):
    aggregator, params = _built(name)
    place = LENGTHS.index(17)
    frames, mask, _ = (part[place] for part in _cases())
    assert_same(
        jax.jit(aggregator.apply)(params, frames, mask), _of(name, place)[0], TERMS
    )


def test_an_empty_utterance_has_finite_gradients(name):
    *_, params_bar, frames_bar = _results(name)
    for leaf in (frames_bar, *jax.tree.leaves(params_bar)):
        assert np.isfinite(leaf[LENGTHS.index(0)]).all()


def test_no_frame_is_a_chunk_too(name):
    aggregator, params = _built(name)
    vector = jax.jit(aggregator.apply)(params, np.zeros((0, DIM)), np.zeros(0, bool))
    assert not vector.any()


@pytest.mark.slow
def test_initial_weights_have_the_sizes_that_keep_scores_of_the_size_of_one():
    names = {
        "netvlad(clusters=16)",
        "ghostvlad(clusters=16,ghosts=2)",
        "nextvlad",
        "attentive_statistics",
        "multihead",
        "weighted",
    }
    built = {name: aggregators.build(aggregators.parse(name)) for name in names}
    init = jax.jit(lambda key: {name: one.init(key, 64) for name, one in built.items()})
    with jax.enable_x64(False):
        found = jax.device_get(init(jax.random.key(0)))
    net, ghost, following, attentive, heads, weighted = (
        next(params for name, params in found.items() if name.startswith(start))
        for start in ("net", "ghost", "next", "att", "multi", "weight")
    )
    assert net.w.shape == net.c.shape == ghost.c.shape == (16, 64)
    assert ghost.w.shape == (18, 64) and (net.w != net.c).any()
    for normal, width in (
        *((leaf, 64) for leaf in (net.w, net.c, ghost.w, ghost.c, following.expand)),
        *((leaf, 128) for leaf in (following.attention, following.w, following.c)),
    ):
        # Four standard errors, of hundreds of numbers.
        assert abs(normal.std() * width**0.5 - 1) < 4 / (2 * normal.size) ** 0.5
        assert abs(normal.mean()) * width**0.5 < 4 / normal.size**0.5
    for bias in net.b, ghost.b, following.b, following.expand_bias, attentive.b:
        assert not bias.any()
    # Glorot and Bengio 2010: of these many numbers one lies near the limit.
    for uniform, fans in (
        (attentive.w, 128),
        (attentive.v, 65),
        (heads, 17),
        (weighted, 65),
    ):
        assert 0.85 < np.abs(uniform).max() / (6 / fans) ** 0.5 <= 1
    assert heads.shape == (4, 16) and attentive.w.shape == (64, 64)


def test_netvlad_rows_have_equal_length():
    rows = _results("netvlad")[0][LENGTHS.index(17)].reshape(4, DIM)
    assert_same(np.linalg.norm(rows, axis=1), np.full(4, 0.5), TERMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["statistics", "attentive_statistics"])
def test_a_deviation_that_is_small_beside_the_mean_keeps_its_digits(name):
    aggregator, params = _built(name)
    if name != "statistics":
        params = params._replace(v=0 * params.v)  # every frame has the same weight
    draw = np.random.default_rng(0)
    frames = np.float32(100 + draw.normal(0, 0.01, (40, DIM)))
    found = _as_float32(aggregator, params, frames)[DIM:]
    # Of float32's 7 digits a frame has 4 for the mean: 3 are left.
    np.testing.assert_allclose(found, frames.std(axis=0, dtype=float), rtol=1e-3)


def _as_float32(aggregator, params, frames):
    with jax.enable_x64(False):
        params = jax.tree.map(np.float32, params)
        chunks = frames.reshape(4, 10, DIM), np.ones((4, 10), bool)

        @jax.jit
        def walk(params, chunks):
            def update(state, chunk):
                return aggregator.stepwise.update(params, state, *chunk), None

            start = aggregator.stepwise.start(params, DIM)
            state, _ = jax.lax.scan(update, start, chunks)
            return aggregator.stepwise.finish(params, state)

        return np.asarray(walk(params, chunks))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["statistics", "attentive_statistics"])
def test_the_deviation_of_a_constant_is_zero_and_so_is_its_gradient(name):
    aggregator, params = _built(name)
    frames = np.full((3, 17, DIM), 0.3, np.float32)
    mask = np.arange(17) < np.array([[1], [2], [17]])

    @jax.jit
    @jax.vmap
    def deviation(frames, mask):
        found, pullback = jax.vjp(
            lambda frames: aggregator.apply(params, frames, mask)[DIM:], frames
        )
        return found, pullback(jnp.ones(DIM, found.dtype))[0]

    with jax.enable_x64(False):
        params = jax.tree.map(np.float32, params)
        found, slopes = map(np.asarray, deviation(frames, mask))
    assert (found == 0).all() and (slopes == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "weighted",
        "attentive_statistics",
        "multihead",
        "netvlad",
        "ghostvlad",
        "nextvlad",
    ],
)
def test_scores_of_any_size_have_finite_vector_and_gradients(name):
    params = jax.tree.map(lambda p: 1e6 * p, _built(name)[1])
    everything = _program(name)(params, *_cases())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(everything))


@pytest.mark.slow
def test_frames_that_go_to_a_ghost_leave_no_trace():
    aggregator, params = _built("ghostvlad(clusters=3,ghosts=2)")
    frames, _ = _frames(17)
    frames[:, 0] = -1
    w = params.w.copy()
    w[-1] = 100 * np.eye(DIM)[0]
    noise = np.random.default_rng(1).normal(size=(5, DIM))
    noise[:, 0] = 1
    longer = np.concatenate([frames[:9], noise, frames[9:]])
    ghostly = np.isin(np.arange(22), range(9, 14))
    apply = jax.jit(jax.vmap(aggregator.apply, in_axes=(None, None, 0)))
    masks = np.stack([np.ones(22, bool), ~ghostly])
    found, expected = apply(params._replace(w=w), longer, masks)
    assert found.shape == (3 * DIM,)
    assert_same(found, expected, TERMS)


@pytest.mark.slow
def test_the_generalized_mean_goes_from_the_average_to_the_maximum():
    frames, mask = _frames(LONGEST)
    parts = np.concatenate([frames, -frames], axis=1).clip(min=1e-6)
    apply = jax.jit(_built("generalized_mean")[0].apply)
    init = [
        aggregators.build(aggregators.parse(f"generalized_mean(p={p})")).init
        for p in (1, 1000)
    ]
    average, largest = (
        apply(np.float64(one(jax.random.key(0), DIM)), frames, mask) for one in init
    )
    # The parameter is log p, in float32, and no part is below 1e-6.
    np.testing.assert_allclose(average, parts.mean(axis=0), rtol=1e-5)
    # 24^(1/1000) = 1.003.
    np.testing.assert_allclose(largest, parts.max(axis=0), rtol=5e-3)


@pytest.mark.slow
def test_the_generalized_mean_of_twice_the_frames_is_twice_as_large():
    params = _built("generalized_mean")[1]
    frames, mask = _frames(17)
    apply = jax.jit(_built("generalized_mean")[0].apply)
    once, twice = (apply(params, n * frames, mask) for n in (1, 2))
    kept = once > 1e-3  # what is below 1e-6 in every frame counts as that
    np.testing.assert_allclose(twice[kept], 2 * once[kept], rtol=1e-9)


def _spec(text, dim):
    return specification(make(aggregator=text, encoder="none"), dim, 2)


@pytest.mark.parametrize(
    ("text", "dim", "says"),
    [
        (
            "multihead(heads=5)",
            64,
            "heads=5: expected a divisor of 64: 1, 2, 4, 8, 16, 32, ",
        ),
        ("nextvlad(groups=3)", 4, "groups=3: expected a divisor of 8: 1, 2, 4, 8"),
        (f"{__name__}.no_vector", 4, "ShapeDtypeStruct"),
    ],
)
def test_what_does_not_take_frames_of_a_size_is_refused(text, dim, says):
    with pytest.raises(InputError) as error:
        model.sizes(_spec(text, dim))
    assert says in str(error.value)


def no_vector():
    return stepwise.stepwise(
        lambda key, dim: (),
        lambda params, dim: jnp.zeros((1, dim)),
        lambda params, state, frames, mask: state,
        lambda params, state: state,
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [("mean", 64), ("statistics", 128), ("multihead(heads=64)", 64), ("nextvlad", 256)],
)
def test_the_length_of_the_vector_is_known(text, length):
    assert model.sizes(_spec(text, 64))[1] == length


def test_numbers_that_are_equal_are_one_condition():
    one, other = map(
        aggregators.parse, ["generalized_mean(p=2)", "generalized_mean(p=2.0)"]
    )
    assert str(one) == str(other) == "generalized_mean(p=2.0)"


def test_options_are_parsed():
    pooling = aggregators.parse("netvlad( clusters = 8 )")
    assert str(pooling) == "netvlad(clusters=8)"
    init = aggregators.build(pooling).init
    params = jax.eval_shape(lambda: init(jax.random.key(0), DIM))
    assert params.c.shape == (8, DIM)


def test_an_aggregator_may_live_elsewhere():
    pooling = aggregators.parse("vladser.aggregators.mean.mean")
    vector = aggregators.build(pooling).apply((), *_frames(2))
    np.testing.assert_allclose(vector, _frames(2)[0].mean(axis=0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("netvald", "one of attentive_statistics, final, generalized_mean, "),
        ("netvlad(cluster=4)", "no option 'cluster': has clusters"),
        ("mean(clusters=4)", "has no options"),
        ("multihead(heads=2.0)", "heads: expected a whole number of at least 1, got"),
        ("multihead(heads=True)", "heads: expected a whole number of at least 1, got"),
        ("generalized_mean(p=0)", "p: expected a number above 0, got"),
        ("generalized_mean(p=True)", "p: expected a number above 0, got"),
        ("generalized_mean(p=1e999)", "p: expected a number above 0, got"),
        ("netvlad(4)", "NAME(option=value"),
        ("netvlad(clusters=__import__('os'))", "NAME(option=value"),
        ("netvlad(clusters=4", "NAME(option=value"),
        ("", "NAME(option=value"),
    ],
)
def test_wrong_text_is_refused(text, says):
    with pytest.raises(InputError) as error:
        aggregators.parse(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["os.getcwd", "netvlad(clusters=0)", "netvlad(clusters='a')", "no_package.pooling"],
)
def test_what_cannot_be_built_is_refused(text):
    with pytest.raises(InputError, match="aggregator"):
        aggregators.build(aggregators.parse(text))
