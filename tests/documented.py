"""What the documented commands are found in, and a reader's folder to run them in."""

import re
import shlex

import launching
import soundfile


def page(name):
    """README.md or a page of docs/, as text."""
    return (launching.ROOT / name).read_text(encoding="utf-8")


def blocks(text, language):
    """The fenced blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def own_poolings(name):
    """The files of poolings that a page shows: their names and what is in them."""
    for code in blocks(page(name), "python"):
        if file := re.match(r"# (my_\w+\.py)\n", code):
            yield file[1], code


def write_noise(file, draw):
    """A recording of noise, of a quarter to half a second."""
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, draw.normal(0, 0.1, draw.integers(4000, 8000)), 16000)


def write_emodb(folder, draw):
    """A release of EMO-DB, of two speakers."""
    for speaker in "03", "08":
        for emotion in "WFTN":
            write_noise(folder / "wav" / f"{speaker}a01{emotion}a.wav", draw)


def commands(page):
    """The commands of a page's shell blocks, one string each."""
    for block in blocks(page, "sh"):
        if " &\n" in block or '"\n' in block:  # the lines belong together
            yield block.strip()
        else:
            yield from block.replace("\\\n", "").strip().splitlines()


def programs(command):
    """The calls of vladser's programs in a command: the name and arguments of each."""
    for one in re.split(r" (?:&&|&|\||<|>) ?|\n", command):
        if "python -m launch." in one:
            name, *argv = shlex.split(one.partition("python -m launch.")[2])
            yield name, argv
