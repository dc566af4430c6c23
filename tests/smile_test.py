import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import opensmile
import pytest

import vladser
from vladser import registry
from vladser.errors import InputError
from vladser.features import extraction, sets, smile
from vladser.features.audio import BadAudio

DELTA_DELTAS = slice(132, 147)


@pytest.fixture(scope="module")
def extract():
    return extraction.DEFAULT.setup()


@pytest.fixture(scope="module")
def peer(extract):
    """opensmile's own way to run a config."""
    return opensmile.Smile(extract.config, "lld", options=extract.options)


@pytest.fixture(scope="module")
def signal():
    """Two seconds like speech: voiced with a moving pitch, pauses, a little noise."""
    random = np.random.default_rng(0)
    time = np.arange(32000) / 16000
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 1.5 * time)) / 16000
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    loudness = np.clip(np.sin(2 * np.pi * 2 * time), 0, None)
    return (0.2 * loudness * voice + random.normal(0, 1e-3, 32000)).astype(np.float32)


@pytest.fixture(scope="module")
def features(extract, signal):
    return extract(signal)


@pytest.mark.parametrize(("name", "count"), [("eGeMAPSv02", 25), ("ComParE_2016", 65)])
def test_opensmiles_own_sets_are_those_of_opensmile_to_the_bit(signal, name, count):
    level = opensmile.FeatureLevel.LowLevelDescriptors
    theirs = opensmile.Smile(opensmile.FeatureSet[name], level)
    ours = registry.features.build(registry.features.parse(name)).setup()
    assert ours.names == theirs.feature_names and len(ours.names) == count
    for n in 960, 1119, 1120, 7777, 32000:
        np.testing.assert_array_equal(ours(signal[:n]), theirs(signal[:n], 16000)[0].T)


def test_features_are_those_of_opensmile_smile_to_the_bit(extract, peer, signal):
    assert peer.feature_names == extract.names
    assert len(extract.names) == len(set(extract.names)) == 147
    for n in 960, 961, 1119, 1120, 1121, 5000, 32000, 7777:
        theirs = peer(signal[:n], 16000)[0].T
        ours = extract(signal[:n])
        np.testing.assert_array_equal(ours, theirs)
        assert ours.shape == ((n - 960) // 160 + 2, 147) == (smile.frames(n), 147)


def test_an_opensmile_of_other_columns_is_refused(extract):
    with pytest.raises(InputError, match="names the columns of vladser147 unlike"):
        smile.Smile(Path(extract.config), "00000000")


def test_silence_gives_finite_features(extract):
    assert np.isfinite(extract(np.zeros(16000, np.float32))).all()


def test_what_opensmile_does_not_describe_is_bad(extract, signal):
    with pytest.raises(BadAudio, match="0 finite frames of 0 by openSMILE: expected 1"):
        extract(signal[:959])


@pytest.mark.parametrize("deltas", [False, True])
def test_compare_2016_is_part_of_the_features_to_the_bit(
    extract, signal, features, deltas
):
    names = extract.names
    levels = opensmile.FeatureLevel
    compare = opensmile.Smile(
        opensmile.FeatureSet.ComParE_2016,
        levels.LowLevelDescriptors_Deltas if deltas else levels.LowLevelDescriptors,
    )
    columns = [names.index(name) for name in compare.feature_names]
    assert len(columns) == 65
    ours = slice(66, 132) if deltas else slice(0, 66)
    rest = set(names[ours]) - set(compare.feature_names)
    assert rest == {"mfcc_sma_de[0]" if deltas else "mfcc_sma[0]"}
    theirs = compare(signal, 16000)[0].T[: len(features)]  # deltas go on for 2 frames
    np.testing.assert_array_equal(features[:, columns], theirs)


def test_delta_deltas_are_htk_regressions_of_the_deltas(features):
    deltas = features[:, 117:132].astype(np.float64)
    ahead = 2 * (deltas[4:] - deltas[:-4]) + (deltas[3:-1] - deltas[1:-3])
    # openSMILE computes in float32 (2e-6 for values up to 10), and treats the edges, to
    # which the deltas' own windows of 2 reach, in its own way.
    np.testing.assert_allclose(
        features[4:-4, DELTA_DELTAS], (ahead / 10)[2:-2], atol=5e-6
    )


def test_mfcc_0_is_the_dct_of_the_mel_spectrum(extract, signal, features):
    mel = opensmile.Smile(extract.config, "is13_melspecMfcc", options=extract.options)(
        signal, 16000
    )[0].T
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
    text = Path(sets.__file__).with_name("vladser147.conf").read_text()

    def id_of(text):
        (tmp_path / "a.conf").write_text(text)
        return sets.make("vladser147", tmp_path / "a.conf", 147, "").id

    assert id_of(f"// other words\n\n;; here\n{text}") == extraction.DEFAULT.id
    changed = text.replace("cepLifter = 22.0", "cepLifter = 21.0")
    assert id_of(changed) != extraction.DEFAULT.id


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A folder that ASCII cannot name, with the packages installed in it."""
    folder = tmp_path_factory.mktemp("lib") / "hör zu"
    for package in opensmile, vladser:
        source = Path(package.__file__).parent
        shutil.copytree(source, folder / source.name)
    return folder


def extract_ones(folder, **environment):
    program = (
        "import numpy, opensmile\n"
        "from vladser.features import extraction\n"
        f"assert opensmile.__file__.startswith({str(folder)!r})\n"
        "features = extraction.DEFAULT\n"
        "print(features.setup()(numpy.ones(1600, 'f')).shape)\n"
        "with features.live(features.setup()) as live:\n"
        "    print(len(live.push(numpy.ones(1600, 'i2'))) + len(live.end()))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONUTF8": "1"} | environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.slow
def test_packages_work_under_a_path_that_ascii_cannot_name(foreign, tmp_path):
    done = extract_ones(foreign, TMPDIR=str(tmp_path))
    assert done.stdout == "(6, 147)\n6\n", done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_temporary_folder_that_ascii_cannot_name_either_is_said(foreign):
    lines = extract_ones(foreign, TMPDIR=str(foreign)).stderr.splitlines()
    (said,) = (line for line in lines if "InputError: " in line)
    assert "set TMPDIR" in said and str(foreign) in said
