from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from vladser import aggregators
from vladser.errors import InputError

DIM = 8
LENGTHS = [1, 2, 17, 40]


@pytest.fixture(params=aggregators.names())
def name(request):
    return request.param


def _built(name):
    aggregator = aggregators.build(aggregators.parse(name))
    params = aggregator.init(jax.random.key(3), DIM)
    # Away from initial values such as zero biases, which would hide a mistake.
    return aggregator, jax.tree.map(lambda p: p + 0.1, params)


def _frames(length, padding=0, fill=np.nan):
    frames = np.random.default_rng(length).normal(size=(length, DIM))
    padded = np.full((length + padding, DIM), fill, np.float32)
    padded[:length] = frames
    return padded, np.arange(len(padded)) < length


@pytest.mark.parametrize("length", LENGTHS)
def test_equals_naive_numpy(name, length):
    aggregator, params = _built(name)
    frames, mask = _frames(length, padding=7)
    vector = aggregator.apply(params, frames, mask)
    expected = getattr(oracles, name)(params, frames[:length].astype(np.float64))
    np.testing.assert_allclose(vector, expected, atol=2e-6)  # float32 sums


def test_padding_reaches_neither_vector_nor_gradients(name):
    aggregator, params = _built(name)

    def loss(params, frames, mask):
        return jnp.sum(jnp.sin(aggregator.apply(params, frames, mask)))

    value = jax.value_and_grad(loss, (0, 1))
    plain, (params_bar, frames_bar) = value(params, *_frames(17))
    padded, (params_bar2, frames_bar2) = value(params, *_frames(17, padding=9))
    close = partial(np.testing.assert_allclose, rtol=2e-6, atol=2e-6)
    close(padded, plain)
    jax.tree.map(close, params_bar2, params_bar)
    close(frames_bar2[:17], frames_bar)
    assert (frames_bar2[17:] == 0).all()


def test_an_empty_utterance_has_finite_vector_and_gradients(name):
    aggregator, params = _built(name)
    frames, mask = _frames(0, padding=5)

    def loss(params, frames):
        return jnp.sum(aggregator.apply(params, frames, mask) ** 2)

    everything = jax.value_and_grad(loss, (0, 1))(params, frames)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(everything))


def _streamed(aggregator, params, frames, cuts):
    state = aggregator.stream.start(params, DIM)
    for part in np.split(frames, cuts):
        mask = np.ones(len(part), bool)
        state = aggregator.stream.update(params, state, part, mask)
    return aggregator.stream.finish(params, state)


def test_streaming_equals_the_whole(name):
    aggregator, params = _built(name)
    frames, mask = _frames(40)
    whole = aggregator.apply(params, frames, mask)
    streamed = _streamed(aggregator, params, frames, [1, 2, 2, 15, 33])
    np.testing.assert_allclose(streamed, whole, atol=2e-6)


def test_netvlad_rows_have_equal_length():
    aggregator, params = _built("netvlad(clusters=3)")
    vector = aggregator.apply(params, *_frames(17))
    rows = vector.reshape(3, DIM)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 3**-0.5, rtol=1e-6)


@pytest.mark.parametrize("name", ["statistics", "attentive_statistics"])
def test_a_deviation_that_is_small_beside_the_mean_keeps_its_digits(name):
    aggregator, params = _built(name)
    if name != "statistics":
        params = params._replace(v=0 * params.v)  # every frame has the same weight
    draw = np.random.default_rng(0)
    frames = np.float32(100 + draw.normal(0, 0.01, (40, DIM)))
    found = _streamed(aggregator, params, frames, [1, 2, 15, 33])[DIM:]
    np.testing.assert_allclose(found, frames.std(axis=0, dtype=float), rtol=1e-3)


@pytest.mark.parametrize("name", ["statistics", "attentive_statistics"])
@pytest.mark.parametrize("length", [1, 2, 17])
def test_the_deviation_of_a_constant_is_zero_and_so_is_its_gradient(name, length):
    aggregator, params = _built(name)
    frames, mask = np.full((length, DIM), 0.3, np.float32), np.ones(length, bool)

    def deviation(frames):
        return aggregator.apply(params, frames, mask)[DIM:]

    found, pullback = jax.vjp(deviation, frames)
    assert (found == 0).all() and (pullback(np.ones(DIM, np.float32))[0] == 0).all()


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
    aggregator, params = _built(name)
    params = jax.tree.map(lambda p: 1e6 * p, params)

    def loss(params, frames, mask):
        return jnp.sum(jnp.sin(aggregator.apply(params, frames, mask)))

    everything = jax.value_and_grad(loss, (0, 1))(params, *_frames(17, padding=3))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(everything))


def test_frames_that_go_to_a_ghost_leave_no_trace():
    aggregator, params = _built("ghostvlad(clusters=3,ghosts=2)")
    frames, mask = _frames(17)
    frames[:, 0] = -1
    w = params.w.at[-1].set(100 * jnp.eye(DIM)[0])
    params = params._replace(w=w)
    noise = np.random.default_rng(1).normal(size=(5, DIM)).astype(np.float32)
    noise[:, 0] = 1
    longer = np.concatenate([frames[:9], noise, frames[9:]])
    found = aggregator.apply(params, longer, np.ones(22, bool))
    expected = aggregator.apply(params, frames, mask)
    assert found.shape == (3 * DIM,)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_the_generalized_mean_goes_from_the_average_to_the_maximum():
    frames, mask = _frames(40)
    parts = np.concatenate([frames, -frames], axis=1).clip(min=0)
    for p, expected, tolerance in [
        (1, parts.mean(axis=0), 1e-5),
        (1000, parts.max(axis=0), 1e-2),  # 40^(1/1000) = 1.004
    ]:
        aggregator = aggregators.build(aggregators.parse(f"generalized_mean(p={p})"))
        params = aggregator.init(jax.random.key(0), DIM)
        vector = aggregator.apply(params, frames, mask)
        np.testing.assert_allclose(vector, expected, rtol=tolerance, atol=1e-5)


def test_the_generalized_mean_of_twice_the_frames_is_twice_as_large():
    aggregator, params = _built("generalized_mean")
    frames, mask = _frames(17)
    once, twice = (aggregator.apply(params, n * frames, mask) for n in (1, 2))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "dim", "says"),
    [
        (
            "multihead(heads=5)",
            64,
            "heads=5: should divide 64, as 1, 2, 4, 8, 16, 32, ",
        ),
        ("nextvlad(groups=3)", 4, "groups=3: should divide 8, as 1, 2, 4, 8 do"),
        (f"{__name__}.no_vector", 4, "ShapeDtypeStruct"),
    ],
)
def test_what_does_not_take_frames_of_a_size_is_refused(text, dim, says):
    with pytest.raises(InputError) as error:
        aggregators.vector_length(aggregators.parse(text), dim)
    assert says in str(error.value)


def no_vector():
    return aggregators.streaming(
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
    assert aggregators.vector_length(aggregators.parse(text), 64) == length


def test_numbers_that_are_equal_are_one_condition():
    one, other = map(
        aggregators.parse, ["generalized_mean(p=2)", "generalized_mean(p=2.0)"]
    )
    assert str(one) == str(other) == "generalized_mean(p=2.0)"


def test_options_are_parsed():
    pooling = aggregators.parse("netvlad( clusters = 8 )")
    assert str(pooling) == "netvlad(clusters=8)"
    params = aggregators.build(pooling).init(jax.random.key(0), DIM)
    assert params.c.shape == (8, DIM)


def test_an_aggregator_may_live_elsewhere():
    pooling = aggregators.parse("vladser.aggregators.mean.mean")
    vector = aggregators.build(pooling).apply((), *_frames(2))
    np.testing.assert_allclose(vector, _frames(2)[0].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("netvald", "one of attentive_statistics, final, generalized_mean, "),
        ("netvlad(cluster=4)", "no option 'cluster': has clusters"),
        ("mean(clusters=4)", "has no options"),
        ("multihead(heads=2.0)", "heads=2.0: a whole number of at least 1"),
        ("multihead(heads=True)", "heads=True: a whole number of at least 1"),
        ("generalized_mean(p=0)", "p=0: a number above 0"),
        ("generalized_mean(p=True)", "p=True: a number above 0"),
        ("generalized_mean(p=1e999)", "p=inf: a number above 0"),
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
