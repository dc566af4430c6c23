"""Hidden layers of networks that learned from much speech."""

from functools import partial
from typing import Any, Literal, NamedTuple

from vladser.contracts import Features
from vladser.errors import InputError
from vladser.features import hub, network
from vladser.features.audio import RATE
from vladser.options import Natural

_SHORTEST = 960  # samples, as of openSMILE's features
_KINDS = (  # which have convolutions of the samples below a transformer
    "data2vec-audio",
    "hubert",
    "unispeech",
    "unispeech-sat",
    "wav2vec2",
    "wav2vec2-conformer",
    "wavlm",
)
# config.json's names of D and of the number of layers.
_SIZES = dict.fromkeys(
    (*_KINDS, "wav2vec2-bert"), ("hidden_size", "num_hidden_layers")
) | {"whisper": ("d_model", "encoder_layers")}


def embedding(
    *,
    model: str = "facebook/wav2vec2-base",
    layer: Natural | Literal["mean"] = "mean",
    half: bool = False,
    revision: str = "",
) -> Features:
    """Describes each 20 ms of speech by a network of transformers, such as those of
    Baevski, Zhou, Mohamed, Auli 2020, "wav2vec 2.0: A Framework for Self-Supervised
    Learning of Speech Representations".

    wav2vec2, wav2vec2-conformer, wav2vec2-bert, hubert, wavlm, unispeech,
    unispeech-sat, data2vec-audio, and the encoder of whisper, which sees windows of
    30 s. Needs `pip install 'vladser[embeddings]'`.

    Args:
      model: a name on huggingface.co, or a folder in the format of transformers.
      layer: the hidden layer, 0 for what the first one is given; mean for that of all.
      half: whether the cache keeps float16, in half the space.
      revision: a branch, tag or commit of a name on huggingface.co.
    """
    folder = hub.find(model, revision)
    config, processor = hub.read(folder)
    if (rate := processor.get("sampling_rate")) != RATE:
        raise InputError(f"{model} takes speech at {rate} Hz: expected {RATE} Hz")
    shape = _shape(model, config)
    if layer != "mean" and layer > shape.layers:
        raise InputError(f"layer={layer}: expected 0 to {shape.layers}, or mean")
    weights = hub.digest(folder)
    # Workers of other machines are in another folder.
    source = f"{folder}" if hub.local(model) else model, revision, weights
    kept = "-half" if half else ""
    return Features(
        id=f"{config['model_type']}-{layer}{kept}-{weights[:12]}",
        dim=shape.dim,
        setup=partial(network.load, source, shape.frames, layer, half),
        frames=shape.frames,
        shortest=shape.shortest,
        packages=("torch", "transformers"),
        batch=network.batch,
    )


class _Shape(NamedTuple):
    dim: int
    layers: int
    frames: partial
    shortest: int = _SHORTEST


def _shape(model: str, config: dict[str, Any]) -> _Shape:
    """Returns what the settings of a network say of its outputs."""
    kind = config.get("model_type")
    if kind not in _SIZES:
        known = ", ".join(sorted(_SIZES))
        raise InputError(f"{model} is of type {kind!r:.60}: expected one of {known}")
    try:
        dim, layers = (int(config[name]) for name in _SIZES[kind])
        if kind == "whisper":
            return _Shape(dim, layers, partial(_whisper_frames))
        if kind == "wav2vec2-bert":
            return _Shape(dim, layers, partial(_bank_frames))
        steps = tuple(zip(config["conv_kernel"], config["conv_stride"], strict=True))
        shortest = 1
        for width, stride in reversed(steps):
            shortest = (shortest - 1) * stride + width
        frames = partial(_convolved, steps)
        range(frames(shortest))  # a whole number
        return _Shape(dim, layers, frames, max(_SHORTEST, shortest))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{model}: its config.json is damaged: {error!r}") from None


def _convolved(steps: tuple[tuple[int, int], ...], samples: int) -> int:
    for width, stride in steps:
        samples = (samples - width) // stride + 1
    return samples


def _bank_frames(samples: int) -> int:
    """Returns how many pairs of windows of 25 ms each 10 ms there are."""
    return (1 + (samples - 400) // 160) // 2


def _whisper_frames(samples: int) -> int:
    """Returns how many 20 ms have begun."""
    return -(-samples // 320)
