import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch.benchmarking import extraction
from launch.benchmarking.extraction import measure
from vladser.features import computing


@pytest.mark.slow
@pytest.mark.usefixtures("quick_workers")
def test_all_three_are_timed_as_often_as_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "get_context", computing.get_context)
    wavs = [tmp_path / f"{name}.wav" for name in "abc"]
    for wav in wavs:
        soundfile.write(wav, np.zeros(8000), 16000)
    found = measure(wavs, repeats=2, workers=2)
    # 46 frames each: (8000 - 960) // 160 + 2
    assert (found["files"], found["frames"], found["workers"]) == (3, 3 * 46, 2)
    for name in "startup", "bare", "first", "second":
        assert len(found[f"{name}_seconds"]) == 2
        assert min(found[f"{name}_seconds"]) > 0
    speedups = np.divide(found["first_seconds"], found["second_seconds"])
    assert found["second_speedup"]["low"] == pytest.approx(speedups.min())
    assert found["second_speedup"]["median"] == pytest.approx(speedups.mean())
    assert found["second_speedup"]["high"] == pytest.approx(speedups.max())
