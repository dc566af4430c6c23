"""The contracts of parts: no logic, no jax.

Parts compute in the dtype of their parameters and inputs. `testing` has a check of each
contract.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from vladser.types import Array, PyTree


class Features(NamedTuple):
    """Describes each frame of an utterance by D numbers.

    A factory of features imports nothing heavy: that is left to `setup`. Features are
    pickled for worker processes: their functions are those of a module, or
    `functools.partial` of such.

    A signal is float32 [n], n >= `shortest`, as `features.audio.load` makes it.

    Attributes:
      id: names the features in the cache and in trained models: letters, digits, "_",
        "." and "-". It differs wherever the numbers do (by options, a configuration,
        weights), except the versions of `packages`.
      dim: D. Where `setup` is None, 0 stands for the D of most files.
      setup: () -> extract, called once in a worker: imports, and loads what is large.
        extract: signal -> [T, D], finite, float32 or (which the cache keeps) float16;
        raises `features.audio.BadAudio` for a signal that it cannot describe. None
        where the utterances' files are .npy files of features.
      frames: n -> T, the frames of a signal of n samples; None where `setup` is.
      shortest: samples of the shortest signal, such as the longest window.
      packages: the distributions that compute the features, whose versions belong to
        them; none where the id says all.
      live: (extract) -> a context manager for one signal that is still going on. It has
        `push(int16 [n], any n) -> float32 [R, D]`, the frames that have become final,
        and `end() -> float32 [R, D]`, the others; together those of the whole signal,
        to the bit, however it was cut. None for features that cannot stream.
      selected: the Features that the cache keeps, and the columns of them to take.
      energy: (frames [T, D], those of `selected` where there is such) -> [T], the power
        of each frame, in any unit; None where the frames do not tell it.
      batch: (extract, signals of similar length) -> what `extract` returns for each, to
        within rounding. It is for networks: few workers have them in memory, and each
        takes several utterances at once. None for one at a time, in a worker a core.
    """

    id: str
    dim: int
    setup: Callable[[], Callable[[np.ndarray], np.ndarray]] | None
    frames: Callable[[int], int] | None = None
    shortest: int = 960
    packages: tuple[str, ...] = ()
    live: Callable[[Any], AbstractContextManager[Any]] | None = None
    selected: "tuple[Features, Sequence[int]] | None" = None
    energy: Callable[[np.ndarray], np.ndarray] | None = None
    batch: Callable[[Any, Sequence[np.ndarray]], Iterable[np.ndarray]] | None = None


class Pieces(NamedTuple):
    """Cuts utterances into the pieces that a model is trained on and looks at.

    Attributes:
      cut: (energy [T] float64 of the frames of one utterance) -> int [P, 2], the first
        frame and the number of frames of each piece: P and all lengths are at least 1.
      silent: (energy [T], pieces [P, 2]) -> bool [P], which of them belong to a further
        class, silence, whatever the emotion of the utterance; None for no such class.
      by_energy: whether these look at the energy, or at T alone.
    """

    cut: Callable[[np.ndarray], np.ndarray]
    silent: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    by_energy: bool = False


class Stepwise(NamedTuple):
    """An aggregator that takes in the frames of ONE utterance block by block.

    What `finish` returns must not depend on how the frames were cut into blocks.

    Attributes:
      start: (params, dim) -> state before the first frame, a pytree of floats, whose
        shapes and dtypes `update` keeps.
      update: (params, state, frames [T, H], mask [T]) -> state. Where the mask is
        False the frames may hold anything, NaN included, and count for nothing.
      finish: (params, state) -> vector [V], finite even before the first frame. The
        state may be updated further afterwards.
    """

    start: Callable[[PyTree, int], PyTree]
    update: Callable[[PyTree, PyTree, Array, Array], PyTree]
    finish: Callable[[PyTree, PyTree], Array]


class Aggregator(NamedTuple):
    """Pools the frames of ONE utterance into one vector, as pure functions.

    All are differentiable, and are vmapped over the utterances of a minibatch.

    Attributes:
      init: (key, dim) -> params, a pytree of floats.
      apply: (params, frames [T, H], mask [T]) -> vector [V]. Where the mask is False
        the frames may hold anything, NaN included, and neither the vector nor a
        gradient may depend on them. Without a frame (an empty mask) the vector and
        all gradients are finite.
      stepwise: the same, block by block, of which `aggregators.stepwise` makes `apply`;
        None for an aggregator that has to see all frames at once: it cannot stream.
    """

    init: Callable[[Array, int], PyTree]
    apply: Callable[[PyTree, Array, Array], Array]
    stepwise: Stepwise | None = None


class Recurrence(NamedTuple):
    """An encoder that takes in the frames of a minibatch block by block.

    What `update` returns for all blocks must not depend on how the frames were cut.

    Attributes:
      start: (params, batch) -> carry before the first frame, whose shapes and dtypes
        `update` keeps.
      residuals: (params, carry, frames [T, B, D], mask [T, B]) -> whatever `update` and
        its gradient need of a block, computed once and kept; it is not differentiated.
        () where autodiff of `update` does it all.
      update: (params, carry, frames, mask, residuals) -> (outputs [T, B, H], carry).
        Training calls it again on the way back: with residuals it is cheap but for its
        gradient. Where the mask is False the carry stays as it is.
      between: the sizes of what training drops between layers. With any, both take one
        more argument, drop: (outputs [T, B, size], place in `between`) -> outputs.
    """

    start: Callable[[PyTree, int], PyTree]
    residuals: Callable[..., PyTree]
    update: Callable[..., tuple[Array, PyTree]]
    between: tuple[int, ...] = ()


class Encoder(NamedTuple):
    """Turns the frames of a minibatch into one vector a frame, as pure functions.

    Frames are finite, and zeros where the mask is False; the outputs there may be any
    finite number, and no other output may depend on those frames.

    Attributes:
      init: (key, dim) -> params, a pytree of floats.
      apply: (params, frames [T, B, D], mask [T, B]) -> outputs [T, B, H].
      recurrence: the same, block by block; None for an encoder that has to see all
        frames at once: it cannot stream, and training keeps whole utterances.
    """

    init: Callable[[Array, int], PyTree]
    apply: Callable[[PyTree, Array, Array], Array]
    recurrence: Recurrence | None = None


class Head(NamedTuple):
    """Classifies utterance-level representations, each by itself, as pure functions.

    Attributes:
      init: (key, size, classes) -> params, a pytree of floats.
      apply: (params, vectors [B, V]) -> logits [B, classes].
    """

    init: Callable[[Array, int, int], PyTree]
    apply: Callable[[PyTree, Array], Array]


class Objective(NamedTuple):
    """Is what training minimizes, as pure functions.

    An objective's options are data: `prepare` sees them, and `loss` must not, so that
    trainings that differ in them share one compiled program.

    Attributes:
      prepare: (labels [N] int of the training set, classes) -> data, a pytree of numpy
        arrays: the options, and what depends on the training set. Runs on the host.
      init: (key, size, classes) -> params of its own, a pytree of floats, which are
        trained with the model's; () for none.
      loss: (params, data, vectors [B, V], logits [B, classes], labels [B] int) -> [B],
        the losses, which are averaged over the minibatch; a call may see a part of it.
      coupled: whether losses depend on other utterances: calls then see a whole
        minibatch; empty rows, which must count for nothing, have label -1.
      head: the name of the head whose logits it takes; None for any.
      views: whether `loss` has one more argument, the levels [B, 2] of activation and
        valence: 0 is low, 1 is in the middle, 2 is high, and -1 not known.
    """

    prepare: Callable[[np.ndarray, int], PyTree]
    init: Callable[[Array, int, int], PyTree]
    loss: Callable[..., Array]
    coupled: bool = False
    head: str | None = None
    views: bool = False


class Optimizer(NamedTuple):
    """Changes parameters along a gradient, as pure functions; those of optax.

    An optimizer's options are numbers, and data: its factory is called with arrays
    that jax traces, and must not branch on them.

    Attributes:
      init: params -> state.
      update: (gradient, state, params) -> (updates to be added, state).
    """

    init: Callable[[PyTree], PyTree]
    update: Callable[[PyTree, PyTree, PyTree], tuple[PyTree, PyTree]]


class Readout(NamedTuple):
    """Classifies utterances by what a trained network makes of their pieces.

    Runs on the host, in float64.

    Attributes:
      describe: (values [M, K] of all pieces, parent [M] int, N) -> [N, V], a vector for
        each of N utterances, of which each has a piece.
      fit: (seed, vectors [N, V], labels [N] of the training set, classes) -> params, a
        dictionary of arrays by name. None for a readout without parameters, whose
        vectors are the probabilities.
      scores: (params, vectors) -> [N, classes], whose largest is the prediction.
      representations: whether values are the representations of pieces, or their class
        probabilities.
    """

    describe: Callable[[np.ndarray, np.ndarray, int], np.ndarray]
    fit: Callable[[int, np.ndarray, np.ndarray, int], dict[str, np.ndarray]] | None
    scores: Callable[[dict[str, np.ndarray], np.ndarray], np.ndarray] | None = None
    representations: bool = False
