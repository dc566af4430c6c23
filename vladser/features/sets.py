"""Sets of openSMILE as Features: what the files of the sets share.

All have a vector each 10 ms. Windows are of 60 ms (pitch and voice quality) or 20 to 25
ms (the rest); that of 60 ms decides how many frames there are.
"""

import hashlib
from functools import partial
from pathlib import Path

from vladser.features import audio, smile
from vladser.features.live import Live
from vladser.types import Features


def make(name: str, config: Path, dim: int, columns: str) -> Features:
    """Makes Features of an openSMILE configuration, `config` and `columns` of `Smile`,
    which has `dim` columns."""
    # The id: what decides the features apart from openSMILE's version, which are the
    # config where it is our own (not its comments), and what the audio guard does.
    own = config.is_absolute()
    lines = config.read_text(encoding="ascii").splitlines() if own else []
    settings = [line for line in lines if line and not line.startswith(("//", ";"))]
    content = "\n".join([f"audio {audio.VERSION}", *settings])
    return Features(
        id=f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}",
        dim=dim,
        setup=partial(smile.Smile, config, columns),
        frames=smile.frames,
        shortest=smile.WINDOW,
        package="opensmile",
        live=Live,
    )
