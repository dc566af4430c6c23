"""The rows of a training: pieces in the place of utterances."""

from dataclasses import replace

import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st

from vladser import registry
from vladser.data import cutting, folds
from vladser.errors import InputError

TEXTS = (
    "whole",
    "first(frames=9)",
    "windows(frames=8,hop=5)",
    "windows(frames=8,hop=5,silence=6.0)",
    "loudest(frames=6,share=0.3)",
)
CORPUS = toys.corpus()
ENERGY = np.random.default_rng(1).exponential(size=len(CORPUS.frames))
LOUD = replace(
    CORPUS,
    energy=ENERGY[: CORPUS.length.sum()].astype(np.float32),
    views=np.random.default_rng(2).uniform(1, 5, (len(CORPUS.label), 2)),
)
PIECES = st.sampled_from(TEXTS).map(registry.pieces.parse)


@given(PIECES)
def test_pieces_are_stretches_of_their_utterance_and_have_what_it_has(part):
    rows = cutting.cut(LOUD, part)
    data, made = rows.data, registry.pieces.build(part)
    assert data.frames is LOUD.frames and data.energy is LOUD.energy
    assert (rows.classes, [*rows.labels]) == (4, [*LOUD.label])
    assert set(rows.parent) == set(range(len(LOUD.label)))
    for n in range(len(LOUD.label)):
        mine = np.flatnonzero(rows.parent == n)
        energy = LOUD.energy[toys.span(LOUD, n)].astype(float)
        spans = made.cut(energy)
        found = np.stack([data.offset[mine] - LOUD.offset[n], data.length[mine]])
        np.testing.assert_array_equal(found.T, spans)
        silent = [False] * len(spans)
        if made.silent:
            silent = made.silent(energy, spans)
        label = [4 if nothing else LOUD.label[n] for nothing in silent]
        assert data.label[mine].tolist() == label
        for row in mine:
            assert data.utterances[row] == LOUD.utterances[n]
            assert data.speaker[row] == LOUD.speaker[n]
            assert data.session[row] == LOUD.session[n]
            np.testing.assert_array_equal(data.views[row], LOUD.views[n])


def test_silence_is_a_class_of_pieces_alone():
    rows = cutting.cut(LOUD, registry.pieces.parse(TEXTS[3]))
    assert rows.data.emotions == (*LOUD.emotions, "silence")
    assert 0 < np.count_nonzero(rows.data.label == 4) < len(rows.parent)
    assert LOUD.label.max() == 3  # the dataset is as it was
    for text in TEXTS:
        part = registry.pieces.parse(text)
        count = len(cutting.cut(LOUD, part).data.emotions)
        assert cutting.classes(part, 4) == count


@given(
    PIECES,
    st.sampled_from([("speaker", "none"), ("speaker", "partner"), ("session", "none")]),
)
def test_the_sets_of_a_fold_have_all_pieces_of_its_utterances_and_no_others(
    part, protocol
):
    made = folds.make(LOUD, *protocol)
    rows = cutting.cut(LOUD, part)
    for of_pieces, fold in zip(rows.folds(made), made, strict=True):
        assert of_pieces.held_out == fold.held_out
        sets = zip(of_pieces[1:4], fold[1:4], strict=True)
        parents = [(set(rows.parent[found]), set(wanted)) for found, wanted in sets]
        assert all(found == wanted for found, wanted in parents)
        everywhere = np.concatenate(of_pieces[1:4])
        assert len(set(everywhere)) == len(everywhere)
        counts = [
            np.count_nonzero(np.isin(rows.parent, [*wanted])) for _, wanted in parents
        ]
        assert counts == [len(found) for found in of_pieces[1:4]]


def test_whole_utterances_are_the_dataset_itself():
    rows = cutting.cut(CORPUS, registry.pieces.parse("whole"))
    assert rows.data is CORPUS and rows.labels is CORPUS.label
    np.testing.assert_array_equal(rows.parent, np.arange(len(CORPUS.label)))


@pytest.mark.fault("flags")
@pytest.mark.parametrize("text", TEXTS)
def test_pieces_that_look_at_an_energy_that_is_not_known_are_refused(text):
    part = registry.pieces.parse(text)
    if not registry.pieces.build(part).by_energy:
        assert len(cutting.cut(CORPUS, part).parent) >= len(CORPUS.label)
        return
    with pytest.raises(InputError) as error:
        cutting.cut(CORPUS, part)
    said = str(error.value)
    assert said.startswith(f"pieces {part} need the energy of frames")
    assert len(said.splitlines()) == 1
    for name in registry.features.names():
        tells = False  # embeddings, which need a network
        if name != "embedding":
            tells = registry.features.build(registry.features.parse(name)).energy
        # logmel is one by its name, whatever its bands.
        assert (name in said) == bool(tells), name


def test_pieces_of_float32_energy_are_those_of_the_same_numbers_in_float64():
    part = registry.pieces.parse("loudest(frames=25,share=0.5)")
    energy = np.random.default_rng(0).exponential(size=400).astype(np.float32) * 1e-9
    one, other = (cutting.spans(part, 400, e) for e in (energy, energy.astype(float)))
    np.testing.assert_array_equal(one, other)
