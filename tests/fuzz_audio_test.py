"""Audio with damaged headers: each file is described or refused, and costs no other."""

import struct

import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)
from fuzzing import cases
from hypothesis import given
from hypothesis import strategies as st

from vladser.features import pool
from vladser.features.extraction import DEFAULT, extract
from vladser.features.headers import expect
from vladser.types import Utterance

pytestmark = pytest.mark.fault("audio")

SAMPLES = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
FORMATS = ("WAV", "FLAC", "AIFF")
ODD = (0, 1, 2, 255, 8000, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
# Of a wav: the sizes of its parts, format and channels, rates, block and depth.
FIELDS = (4, 16, 20, 22, 24, 28, 32, 34, 40)
DAMAGE = st.one_of(
    st.tuples(st.sampled_from(["flip", "cut", "repeat"]), st.integers(0, 60)),
    st.tuples(st.sampled_from(ODD), st.sampled_from(FIELDS)),
)
FILES = st.lists(
    st.tuples(st.sampled_from(FORMATS), st.lists(DAMAGE, min_size=1, max_size=3)),
    min_size=15,
    max_size=15,
)


def damage(content, how, place):
    """Damages bytes at a place, or writes a number there."""
    if how == "flip":
        content[place] ^= 1 << place % 8
    elif how == "cut":
        del content[place:]
    elif how == "repeat":
        content[place:place] = content[: place + 1]
    else:
        content[place : place + 4] = struct.pack("<I", how)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
@cases(2)
@given(FILES)
def test_a_damaged_header_costs_at_most_its_file(tmp_path_factory, monkeypatch, files):
    monkeypatch.setattr(pool, "_PATIENCE", 5.0)
    folder = tmp_path_factory.mktemp("audio")
    for kind in FORMATS:
        soundfile.write(folder / f"{kind}.wav", SAMPLES, 16000, format=kind)
    for n, (kind, damages) in enumerate(files):
        content = bytearray((folder / f"{kind}.wav").read_bytes())
        for how, place in damages:
            if content:
                damage(content, how, min(place, len(content) - 1))
        (folder / f"damaged{n}.wav").write_bytes(content)
    utterances = [
        Utterance(file.stem, file, "speaker", "neutral") for file in folder.iterdir()
    ]
    found = extract(utterances, folder / "cache", workers=2)
    assert {*FORMATS} <= {*found.features}
    expected = expect(utterances, DEFAULT, 60.0).frames
    for u in utterances:
        if u.id in found.bad:
            reason = found.bad[u.id]
            assert reason.startswith(f"{u.file}: ") and len(reason.splitlines()) == 1
        else:
            assert found.features[u.id].shape == (expected[u.id], 147)
            assert np.isfinite(found.features[u.id]).all()
