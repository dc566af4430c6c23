"""Corpora whose paths tell who says what, in which emotion."""

import re
from pathlib import Path

from vladser.corpora.filenames import find_audio, notes
from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def read(
    folder: Path,
    pattern: str,
    emotions: str,
    expected: str,
    id: str = "{stem}",
    speaker: str = "{speaker}",
    text: str = "{text}",
    suffixes: tuple[str, ...] = (".wav",),
) -> Corpus:
    """Reads the files whose paths follow a pattern; notes others, and second copies.

    Args:
      folder: in which they lie, at any depth.
      pattern: of a whole name without its suffix, "03a01Fa", or, with slashes, that of
        the folders around it too, "DC/a01". It has the groups speaker, text where the
        sentence is known, and emotion, left empty for any key of `emotions`.
      emotions: the keys and canonical names, "W angry, L bored".
      expected: what the names are, for messages.
      id, speaker, text: made of the groups, and of the name without its suffix, `stem`.
      suffixes: of the files; of second copies the one of the first suffix is taken.

    Raises:
      InputError: no path follows the pattern.
    """
    canonical = dict(pair.split() for pair in emotions.split(", "))
    pattern = pattern.replace("(?P<emotion>)", f"(?P<emotion>{'|'.join(canonical)})")
    name = re.compile(rf"(?:^|/)(?:{pattern})\Z", re.ASCII)
    utterances: dict[str, Utterance] = {}
    strangers, copies = [], []
    for file in find_audio(folder, *suffixes):
        match = name.search(file.absolute().with_suffix("").as_posix())
        if match is None:
            strangers.append(file.relative_to(folder))
            continue
        groups = match.groupdict()
        key = id.format(stem=file.stem, **groups)
        if key in utterances:
            copies.append(file.relative_to(folder))
            continue
        utterances[key] = Utterance(
            id=key,
            file=file,
            speaker=speaker.format(**groups),
            emotion=canonical[groups["emotion"]],
            text=text.format(**groups) if "text" in groups else None,
        )
    if not utterances:
        raise InputError(f"{folder}: expected {expected}; found none")
    left_out = notes(
        (f"files left out, not {expected}", strangers),
        ("files left out, second copies by their names", copies),
    )
    return Corpus([utterances[key] for key in sorted(utterances)], [*left_out])
