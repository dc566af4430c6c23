import numpy as np
import pytest
import soundfile
import streams

from launch.benchmarking import report, streaming

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech")
    wavs = [folder / f"{number}.wav" for number in range(2)]
    for number, wav in enumerate(wavs):
        soundfile.write(wav, streams.speech(1, seed=number), 16000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "_PACED", 0.5)
        return streaming.measure(wavs, rounds=2)


def test_all_speech_is_heard_and_frames_come_after_their_window(measured):
    assert measured["audio_seconds"] == 2
    delay = measured["delay_seconds"]
    # At least a window of 60 ms, 10 of smoothing and 20 of deltas; the pitch tracker
    # waits for more, of at most 300 ms.
    assert 0.09 <= delay["median"] <= delay["p95"] <= delay["max"] <= 0.5
    assert delay["median"] * 100 == pytest.approx(round(delay["median"] * 100))


def test_times_are_in_order(measured):
    compute, factor = measured["compute_seconds"], measured["real_time_factor"]
    assert 0 < compute["median"] <= compute["p95"] <= compute["max"]
    assert 0 < factor["low"] <= factor["median"] <= factor["high"]


def test_the_tables_have_the_figures(measured):
    text = report.streaming(measured)
    for figure in (f"{1e3 * measured['delay_seconds']['max']:.1f}", "2 s of speech"):
        assert figure in text
    assert np.all([line.count("|") in (0, 5) for line in text.splitlines()])
