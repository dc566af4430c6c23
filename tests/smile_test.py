import tempfile
from pathlib import Path

import numpy as np
import opensmile
import pytest
import streams

from vladser import registry
from vladser.errors import InputError
from vladser.features import extraction, smile
from vladser.features.audio import BadAudio

LLD = opensmile.FeatureLevel.LowLevelDescriptors


@pytest.fixture(scope="module")
def extract():
    return extraction.DEFAULT.setup()


@pytest.fixture(scope="module")
def signal():
    return streams.speech(2).astype(np.float32) / 32768


@pytest.fixture(scope="module")
def features(extract, signal):
    return extract(signal)


@pytest.mark.parametrize(
    ("name", "count"), [("eGeMAPSv02", 25), ("ComParE_2016", 65), ("vladser147", 147)]
)
def test_features_are_those_of_opensmile_smile_to_the_bit(signal, name, count):
    ours = registry.features.build(registry.features.parse(name)).setup()
    if name == "vladser147":
        theirs = opensmile.Smile(ours.config, "lld", options=ours.options)
    else:
        theirs = opensmile.Smile(opensmile.FeatureSet[name], LLD)
    assert ours.names == theirs.feature_names
    assert len(ours.names) == len(set(ours.names)) == count
    for n in 960, 961, 1119, 1120, 1121, 7777, 32000:
        found = ours(signal[:n])
        np.testing.assert_array_equal(found, theirs(signal[:n], 16000)[0].T)
        assert found.shape == ((n - 960) // 160 + 2, count) == (smile.frames(n), count)


def test_silence_is_described_and_what_is_too_short_is_bad(extract, signal):
    assert np.isfinite(extract(np.zeros(16000, np.float32))).all()
    with pytest.raises(BadAudio, match="0 finite frames of 0 by openSMILE: expected 1"):
        extract(signal[:959])


@pytest.mark.parametrize("deltas", [False, True])
def test_compare_2016_is_part_of_the_features_to_the_bit(
    extract, signal, features, deltas
):
    level = opensmile.FeatureLevel.LowLevelDescriptors_Deltas if deltas else LLD
    compare = opensmile.Smile(opensmile.FeatureSet.ComParE_2016, level)
    columns = [extract.names.index(name) for name in compare.feature_names]
    assert len(columns) == 65
    ours = slice(66, 132) if deltas else slice(0, 66)
    rest = set(extract.names[ours]) - set(compare.feature_names)
    assert rest == {"mfcc_sma_de[0]" if deltas else "mfcc_sma[0]"}
    theirs = compare(signal, 16000)[0].T[: len(features)]  # deltas go on for 2 frames
    np.testing.assert_array_equal(features[:, columns], theirs)


def test_delta_deltas_are_htk_regressions_of_the_deltas(features):
    deltas = features[:, 117:132].astype(np.float64)
    ahead = 2 * (deltas[4:] - deltas[:-4]) + (deltas[3:-1] - deltas[1:-3])
    # openSMILE computes in float32 (2e-6 for values up to 10), and treats the edges, to
    # which the deltas' own windows of 2 reach, in its own way.
    np.testing.assert_allclose(features[4:-4, 132:], (ahead / 10)[2:-2], atol=5e-6)


def test_mfcc_0_is_the_dct_of_the_mel_spectrum(extract, signal, features):
    peer = opensmile.Smile(extract.config, "is13_melspecMfcc", options=extract.options)
    mel = peer(signal, 16000)[0].T
    assert mel.shape[1] == 26
    mfcc = np.sqrt(2 / 26) * np.log(np.maximum(mel, 1)).sum(axis=1)
    smoothed = np.convolve(mfcc, np.ones(3) / 3, "valid")
    count = len(features) - 2
    # The sum of 26 float32 logarithms, around 100: 1e-6 of it.
    np.testing.assert_allclose(
        features[1 : count + 1, 51], smoothed[:count], rtol=1e-5, atol=1e-4
    )


def test_the_id_follows_the_settings_and_not_the_comments(tmp_path):
    assert extraction.DEFAULT.id == "vladser147-1b26c8b4"  # or every cache is void
    text = Path(smile.__file__).with_name("vladser147.conf").read_text()

    def id_of(text):
        (tmp_path / "a.conf").write_text(text)
        return smile.make("vladser147", tmp_path / "a.conf", 147).id

    assert id_of(f"// other words\n\n;; here\n{text}") == extraction.DEFAULT.id
    changed = text.replace("cepLifter = 22.0", "cepLifter = 21.0")
    assert id_of(changed) != extraction.DEFAULT.id


def test_a_path_beyond_ascii_is_linked_to_from_a_temporary_folder_that_is_not(
    tmp_path, monkeypatch
):
    folder = tmp_path / "hör zu"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    link = smile._in_ascii(folder)
    assert str(link).isascii() and link.samefile(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(InputError, match=f"letters only, .*{folder}.* set TMPDIR"):
        smile._in_ascii(folder)
