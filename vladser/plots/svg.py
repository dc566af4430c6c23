"""A figure as inline SVG, whose colours are the page's.

The page that holds it defines CSS variables for light and for dark, see `variables`:
--paper behind everything; --ink, --muted and --rule for text, axes and grid; --c1 to
--c6 for what is told apart. Text takes the page's font. The SVG fills its container, up
to 30rem.
"""

import hashlib
import io
import re
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from vladser.plots import style

_NAMES = ("paper", "ink", "muted", "rule", "c1", "c2", "c3", "c4", "c5", "c6")
_LIGHT = (style.PAPER, style.INK, style.MUTED, style.RULE, *style.COLORS)
# The same hues, as far from dark paper as those are from white.
_DARK = (
    "#15191e #e8ebee #a3adb7 #333b44 #4da6e0 #f0803c #2fc299 #d991b9 #dba33a #7cc0ea"
)
LIGHT = dict(zip(_NAMES, _LIGHT, strict=True))
DARK = dict(zip(_NAMES, _DARK.split(), strict=True))
_STYLE = "display:block;width:100%;max-width:30rem;height:auto;"
_STYLE += "font-family:inherit;stroke-linejoin:round"


def variables() -> str:
    """Returns the style sheet that defines the variables: light, dark on a screen whose
    reader prefers that, and light in print."""
    light, dark = (
        ":root{" + "".join(f"--{name}:{color};" for name, color in colors.items()) + "}"
        for colors in (LIGHT, DARK)
    )
    return f"{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n"


def inline(figure: Figure, title: str, description: str) -> str:
    """Returns a figure as an <svg> element, the same for the same arguments.

    Args:
      figure: of matplotlib.
      title: what it is, for those who do not see it; unique in the page, as are ids.
      description: what it shows, with the numbers that matter.
    """
    prefix = "f" + hashlib.sha256(title.encode()).hexdigest()[:8]
    # Text as text, ids that are unique in the page, and nothing about the file.
    options: Any = {"svg.fonttype": "none", "svg.hashsalt": prefix}
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    file = io.StringIO()
    with style.look(), matplotlib.rc_context(options):
        figure.savefig(file, format="svg", transparent=True, metadata=no_metadata)
    drawn = file.getvalue()
    root, used = ElementTree.fromstring(drawn), {*re.findall(r"#(\w+)", drawn)}
    root.remove(root[0])  # matplotlib's style sheet, which would be the whole page's
    for element in root.iter():
        _tidy(element)
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    texts = {f"{prefix}-title": title, f"{prefix}-desc": description}
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": " ".join(texts),
        "style": _STYLE,
    }
    for place, (name, text) in enumerate(texts.items()):
        root.insert(place, ElementTree.Element(name.partition("-")[2], {"id": name}))
        root[place].text = text
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element) -> None:
    """Sets colours by their variables, the page's font, and two decimals."""
    element.tag = element.tag.rpartition("}")[2]
    element.text, element.tail = (element.text or "").strip() or None, None
    for name, value in [*element.attrib.items()]:
        if name.endswith("}href"):
            element.set("href", element.attrib.pop(name))
        if name == "style":
            for variable, color in LIGHT.items():
                value = value.replace(color, f"var(--{variable})")
            value = re.sub(r"font-family:[^;]*;", "", value)
            value = value.replace(": ", ":").replace("; ", ";")
        if name in ("d", "x", "y", "transform", "style"):
            value = re.sub(r"-?\d+\.\d+", lambda x: f"{round(float(x[0]), 2):g}", value)
            element.set(name, " ".join(value.split()))
