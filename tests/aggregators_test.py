import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from vladser import aggregators
from vladser.errors import InputError

DIM = 6
LENGTHS = [1, 2, 17, 40]
ORACLES = {
    name: getattr(oracles, name)
    for name in ("final", "maximum", "mean", "weighted", "netvlad")
}


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


def test_every_aggregator_has_an_oracle(name):
    assert name in ORACLES


@pytest.mark.parametrize("length", LENGTHS)
def test_equals_naive_numpy(name, length):
    aggregator, params = _built(name)
    frames, mask = _frames(length, padding=7)
    vector = aggregator.apply(params, frames, mask)
    expected = ORACLES[name](params, frames[:length].astype(np.float64))
    np.testing.assert_allclose(vector, expected, atol=2e-6)  # float32 sums


def test_padding_reaches_neither_vector_nor_gradients(name):
    aggregator, params = _built(name)

    def loss(params, frames, mask):
        return jnp.sum(jnp.sin(aggregator.apply(params, frames, mask)))

    value = jax.value_and_grad(loss, (0, 1))
    plain, (params_bar, frames_bar) = value(params, *_frames(17))
    padded, (params_bar2, frames_bar2) = value(params, *_frames(17, padding=9))
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6)  # noqa: E731
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


def test_streaming_equals_the_whole(name):
    aggregator, params = _built(name)
    frames, mask = _frames(40)
    whole = aggregator.apply(params, frames, mask)
    state = aggregator.stream.start(params, DIM)
    for part in np.split(np.arange(40), [1, 2, 15, 33]):
        state = aggregator.stream.update(params, state, frames[part], mask[part])
    streamed = aggregator.stream.finish(params, state)
    np.testing.assert_allclose(streamed, whole, atol=2e-6)


def test_netvlad_rows_have_equal_length():
    aggregator, params = _built("netvlad(clusters=3)")
    vector = aggregator.apply(params, *_frames(17))
    rows = vector.reshape(3, DIM)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 3**-0.5, rtol=1e-6)


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
        ("netvald", "one of final, maximum, mean, netvlad, weighted"),
        ("netvlad(cluster=4)", "no option 'cluster': has clusters"),
        ("mean(clusters=4)", "has no options"),
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
    "text", ["netvlad(clusters=0)", "netvlad(clusters='a')", "no_package.pooling"]
)
def test_what_cannot_be_built_is_refused(text):
    with pytest.raises(InputError, match="aggregator"):
        aggregators.build(aggregators.parse(text))
