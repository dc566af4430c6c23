"""Names of people, emotions and files, which Unicode can write in several ways."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from itertools import product
from pathlib import Path


def normalize(name: str) -> str:
    """Returns the one way to write a name: composed (NFC), single spaces, no invisible
    format characters (such as zero-width spaces), no spaces around it."""
    visible = (letter for letter in name if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def alike(names: Iterable[str]) -> list[list[str]]:
    """Returns the groups of names that differ only in case, width, spaces, punctuation
    and leading zeros, such as "Spk 1" and "spk01"."""
    groups = defaultdict(set)
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        letters = re.sub(r"[\W_]+", "", folded)
        groups[re.sub(r"(?<!\d)0+(?=\d)", "", letters)].add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def locate(file: Path) -> Path:
    """Returns the path under which a file exists.

    File systems keep names as they were written, in composed (NFC) or decomposed (NFD)
    form, and a list that went through another system may have the other one.

    Args:
      file: its path; returned as it is where neither form exists.
    """
    if str(file).isascii() or file.exists():
        return file
    forms = [
        dict.fromkeys(unicodedata.normalize(form, part) for form in ("NFC", "NFD"))
        for part in file.parts
    ]
    found = (Path(*parts) for parts in product(*forms))
    return next((path for path in found if path.exists()), file)
