"""Names of people, emotions and files, which Unicode can write in several ways."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path


def normalize(name: str) -> str:
    """Returns the one way to write a name: composed (NFC), single spaces, no invisible
    format characters (such as zero-width spaces), no spaces around it."""
    visible = (letter for letter in name if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def alike(names: Iterable[str]) -> list[list[str]]:
    """Returns the groups of names that differ only in case, width, spaces, punctuation,
    leading zeros and a decimal one, such as "Spk 1" and "spk01", or "3" and "3.0"."""
    groups = defaultdict(set)
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        folded = re.sub(r"^(\d+)\.0$", r"\1", folded)  # a number that was a float
        letters = re.sub(r"[\W_]+", "", folded)
        groups[re.sub(r"(?<!\d)0+(?=\d)", "", letters)].add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def locate(file: Path) -> Path:
    """Returns the path under which a file exists.

    A list that was written on another system may have other letters than the disk:
    capitals, which Windows and Macs do not tell apart, decomposed letters (NFD) for
    composed ones, backslashes for slashes.

    Args:
      file: its path; returned as it is where no file, or more than one, is meant.
    """
    found = Path()
    try:
        if file.exists():
            return file
        for part in Path(str(file).replace("\\", "/")).parts:
            if not (found / part).exists():
                (part,) = _listed(found, found.stat().st_mtime_ns)[_folded(part)]
            found /= part
    except (OSError, LookupError, ValueError):
        return file
    return found


@lru_cache(maxsize=64)  # of lists with thousands of such names
def _listed(folder: Path, changed: int) -> Mapping[str, Sequence[str]]:
    """Returns the names in a folder by their folded form; `changed` is its time."""
    listed = defaultdict(list)
    for entry in folder.iterdir():
        listed[_folded(entry.name)].append(entry.name)
    return dict(listed)


def _folded(name: str) -> str:
    return normalize(name).casefold()
