"""What the documented commands are found in, and a reader's folder to run them in."""

import re

import launching
import soundfile


def page(name):
    """README.md or a page of docs/, as text."""
    return (launching.ROOT / name).read_text(encoding="utf-8")


def blocks(text, language):
    """The fenced blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def write_noise(file, draw):
    """A recording of noise, of a quarter to half a second."""
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, draw.normal(0, 0.1, draw.integers(4000, 8000)), 16000)


def write_emodb(folder, draw):
    """A release of EMO-DB, of two speakers."""
    for speaker in "03", "08":
        for emotion in "WFTN":
            write_noise(folder / "wav" / f"{speaker}a01{emotion}a.wav", draw)
