"""Networks of transformers at work, in a worker."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vladser import libraries
from vladser.errors import InputError
from vladser.features import hub, pool
from vladser.features.audio import RATE
from vladser.machine import cores

# Weights that only training uses: files of many models lack them.
_UNUSED = ("masked_spec_embed",)
# Their convolutions over time see what is padded: those of positions, of layers.
_UNMASKED = "data2vec-audio", "wav2vec2-conformer"


def load(
    source: tuple[str, str, str],
    frames: Callable[[int], int],
    layer: int | str,
    half: bool,
) -> "Network":
    """Loads a network; raises InputError where it cannot.

    Args:
      source: the model and the revision, see `hub.find`, and its `hub.digest`.
      frames: n -> T of a signal.
      layer: the hidden layer, or "mean".
      half: whether embeddings are float16.
    """
    model, revision, expected = source
    torch = libraries.load("torch", hub.EXTRA)
    transformers = libraries.load("transformers", hub.EXTRA)
    folder = hub.find(model, revision)
    if hub.digest(folder) != expected:  # on another machine
        raise InputError(f"{folder} is not the {model} that the experiment began with")
    torch.set_num_threads(-(-cores() // pool.NETWORKS))
    torch.backends.cudnn.allow_tf32 = False
    how = {"local_files_only": True, "trust_remote_code": False}
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, **how)
        whole, found = transformers.AutoModel.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **how
        )
    except Exception as error:
        reason = " ".join(f"{error!r}".split())
        raise InputError(f"{folder} cannot be loaded: {reason:.200}") from error
    missing = {n for n in found["missing_keys"] if not n.endswith(_UNUSED)}
    if missing or found["mismatched_keys"]:
        raise InputError(
            f"{folder}: its weights are not those of its config.json, such as "
            f"{min(missing, default=found['mismatched_keys'])}"
        )
    whisper = whole.config.model_type == "whisper"
    encoder = whole.get_encoder() if whisper else whole
    return Network(torch, encoder.train(False), extractor, frames, layer, half)


class Network:
    """The encoder of a network: signals -> embeddings.

    Attributes:
      device: where it computes.
      pads: whether signals of different lengths may be encoded at once. Others take no
        mask, and what is padded would change the rest.
    """

    def __init__(
        self,
        torch: Any,
        encoder: Any,
        extractor: Any,
        frames: Callable[[int], int],
        layer: int | str,
        half: bool,
    ):
        self._torch, self._extractor, self._frames = torch, extractor, frames
        self._layer, self._dtype = layer, np.float16 if half else np.float32
        self.device = torch.accelerator.current_accelerator(True) or torch.device("cpu")
        self._encoder = encoder.to(self.device)
        kind = encoder.config.model_type
        # Whisper sees windows of one length; the end of a signal is padded.
        self._window = extractor.n_samples if kind == "whisper" else 0
        grouped = getattr(encoder.config, "feat_extract_norm", "layer") == "group"
        masked = extractor.return_attention_mask and not grouped
        self.pads = bool(self._window or (masked and kind not in _UNMASKED))

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Returns the embeddings [T, D] of a signal, float32 [n]."""
        (frames,) = self.encode([signal])
        return frames

    def encode(self, signals: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the embeddings of signals that may be encoded at once."""
        if self._window:
            windows = [self._windows(signal) for signal in signals]
            states = iter(self._states([w for ws in windows for w in ws], "max_length"))
            whole = [np.concatenate([next(states) for _ in ws]) for ws in windows]
        else:
            whole = [*self._states(signals, True)]
        counts = [self._frames(len(signal)) for signal in signals]
        with np.errstate(over="ignore"):  # what float16 cannot hold is refused later
            return [
                frames[:count].astype(self._dtype)
                for frames, count in zip(whole, counts, strict=True)
            ]

    def groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Returns the places of signals that are encoded at once. On a CPU that is each
        by itself: no slower, and the same whatever the others are."""
        places = range(len(lengths))
        if self.device.type == "cpu":
            return [[place] for place in places]
        if self.pads:
            return [[*places]]
        return [[p for p in places if lengths[p] == n] for n in sorted({*lengths})]

    def _windows(self, signal: np.ndarray) -> list[np.ndarray]:
        return [
            signal[at : at + self._window] for at in range(0, len(signal), self._window)
        ]

    def _states(self, signals: Sequence[np.ndarray], padding: bool | str) -> np.ndarray:
        """Returns the layer [B, T, D] of signals, padded."""
        inputs = self._extractor(
            signals, sampling_rate=RATE, padding=padding, return_tensors="pt"
        )
        with self._torch.inference_mode():
            states = self._encoder(
                **inputs.to(self.device), output_hidden_states=True
            ).hidden_states
            mean = self._layer == "mean"
            chosen = sum(states) / len(states) if mean else states[self._layer]
            return chosen.cpu().numpy()


def batch(network: Network, signals: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the embeddings of each signal, see `contracts.Features.batch`."""
    results: dict[int, np.ndarray] = {}
    for group in network.groups([len(signal) for signal in signals]):
        encoded = network.encode([signals[place] for place in group])
        results |= zip(group, encoded, strict=True)
    return [results[place] for place in range(len(signals))]
