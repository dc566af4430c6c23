"""The contracts of what runs on the host: features, pieces, readout."""

import re
from multiprocessing.reduction import ForkingPickler

import numpy as np

from vladser.checks.rules import expect, expect_finite, expect_same, rule
from vladser.contracts import Features, Pieces, Readout


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
    signals = list[np.ndarray]()
    for samples in features.shortest, features.shortest + 1, 16161:
        signal = draw.integers(-9000, 9000, samples).astype(np.int16)
        signals.append(signal.astype(np.float32) / np.float32(32768))
        with rule("extract returns frames [frames(n), D], float32 and finite"):
            frames = extract(signals[-1])
            shape = (features.frames(samples), features.dim)  # type: ignore[misc]
            expect(frames.shape == shape, f"expected {shape}, got {frames.shape}")
            expect(frames.dtype in (np.float32, np.float16), f"got {frames.dtype}")
            expect_finite(frames)
        if features.energy and not features.selected:
            with rule("energy is a number of at least 0 for each frame, [T]"):
                energy = features.energy(frames)
                expect(energy.shape == frames.shape[:1], f"got {energy.shape}")
                expect(np.isfinite(energy).all() and (energy >= 0).all(), "got others")
        if features.live:
            with (
                rule("live frames are those of the whole signal, however it was cut"),
                features.live(extract) as live,
            ):
                rows = [*map(live.push, np.array_split(signal, 3)), live.end()]
                expect(np.array_equal(np.concatenate(rows), frames), "they differ")
    if features.batch:
        with rule("batch returns for each signal what extract does, within rounding"):
            together, alone = features.batch(extract, signals), map(extract, signals)
            for one, other in zip(together, alone, strict=True):
                expect(one.shape == other.shape, f"got {one.shape}")
                expect(np.allclose(one, other, rtol=1e-3, atol=1e-3), "they differ")


def check_pieces(pieces: Pieces) -> None:
    """Checks `contracts.Pieces`, on energies of utterances of 1 to 500 frames."""
    draw = np.random.default_rng(0)
    for frames in 1, 2, 30, 199, 200, 201, 500:
        energy = draw.exponential(size=frames)
        with rule("cut returns [P, 2] whole numbers, P at least 1"):
            found = np.asarray(pieces.cut(energy))
            expect(found.ndim == 2 and found.shape[1] == 2, f"got {found.shape}")
            expect(len(found) and found.dtype.kind == "i", f"got {found.dtype}")
        with rule("pieces are of at least one frame, and in the utterance"):
            first, length = found.T
            expect((length >= 1).all(), f"got {length.min()} frames")
            inside = (first >= 0).all() and (first + length <= frames).all()
            expect(inside, f"got {found.tolist()} of {frames} frames")
        if not pieces.by_energy:
            with rule("pieces that are not by energy do not depend on it"):
                expect(np.array_equal(pieces.cut(0 * energy), found), "they differ")
        if pieces.silent:
            with rule("silent returns [P] bool"):
                silent = np.asarray(pieces.silent(energy, found))
                expect(silent.shape == (len(found),), f"got {silent.shape}")
                expect(silent.dtype == bool, f"got {silent.dtype}")


def check_readout(readout: Readout) -> None:
    """Checks `contracts.Readout`, on three classes."""
    classes, draw = 3, np.random.default_rng(0)
    labels = np.arange(12) % classes
    parent = np.repeat(np.arange(12), [1, 2, 3, 4] * 3)
    values = draw.dirichlet(np.ones(classes), len(parent))
    values += np.eye(classes)[labels[parent]]
    values /= values.sum(axis=1, keepdims=True)
    with rule("describe returns finite vectors [N, V], of an utterance by its pieces"):
        vectors = readout.describe(values, parent, 12)
        expect(vectors.ndim == 2 and len(vectors) == 12, f"got {vectors.shape}")
        expect_finite(vectors)
        alone = readout.describe(values[parent == 3], np.zeros(4, int), 1)
        expect_same(alone[0], vectors[3])
    if not readout.fit or not readout.scores:
        with rule("a readout has both fit and scores, or neither"):
            expect(readout.fit is readout.scores is None, "got one")
        with rule("vectors of a readout without parameters are probabilities"):
            expect_same(vectors.sum(axis=1), np.ones(12))
            expect((vectors >= 0).all(), "got negative numbers")
        return
    with rule("fit returns a dictionary of finite float64 arrays, twice the same"):
        fitted, again = (readout.fit(0, vectors, labels, classes) for _ in range(2))
        for name, array in fitted.items():
            expect(np.asarray(array).dtype == float, f"{name} is {array!r:.40}")
        expect_finite(fitted)
        expect(sorted(fitted) == sorted(again), "got other names")
        for name in fitted:
            expect(np.array_equal(fitted[name], again[name]), f"{name} differs")
    with rule("scores are finite, [N, classes], of an utterance by its vector"):
        scores = readout.scores(fitted, vectors)
        expect(scores.shape == (12, classes), f"got {scores.shape}")
        expect_finite(scores)
        expect_same(readout.scores(fitted, vectors[3:4])[0], scores[3])
    with rule("a class that the training set lacks can be scored, and is not chosen"):
        some = labels != 1
        fitted = readout.fit(0, vectors[some], labels[some], classes)
        chosen = readout.scores(fitted, vectors[some]).argmax(axis=1)
        expect((chosen != 1).all(), "got it")
