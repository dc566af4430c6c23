"""Pictures of figures."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from launch.output import terminal
from vladser import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(path: Path, figure: "Figure") -> None:
    """Writes a figure as a picture; one that cannot be drawn is a note, since results
    matter more than their pictures."""
    from vladser.plots import style  # late because it imports matplotlib

    picture = io.BytesIO()
    try:
        with style.look():
            style.spell_out(figure)
            figure.savefig(picture, format="png")
    except Exception as error:
        terminal.say(f"note: {path} cannot be drawn: {error!r:.200}")
        return
    files.write_bytes(path, picture.getvalue())
