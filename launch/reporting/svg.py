"""A figure as inline SVG, whose colours are the page's.

The page that holds it defines these CSS variables, for light and for dark: `variables`
writes them.

    --paper                 behind everything
    --ink --muted --rule    text; axes and remarks; grid
    --c1 ... --c6           what is told apart: blue, vermillion, green, purple, orange,
                            sky blue (Okabe and Ito)

Text takes the page's font. The SVG fills its container, up to 30rem.
"""

import hashlib
import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text

from vladser.plots import style

LIGHT = {"paper": style.PAPER, "ink": style.INK, "muted": style.MUTED} | {
    "rule": style.RULE,
    **{f"c{n}": color for n, color in enumerate(style.COLORS, 1)},
}
# The same hues, as far from dark paper as those are from white.
DARK = {
    "paper": "#15191e",
    "ink": "#e8ebee",
    "muted": "#a3adb7",
    "rule": "#333b44",
    "c1": "#4da6e0",
    "c2": "#f0803c",
    "c3": "#2fc299",
    "c4": "#d991b9",
    "c5": "#dba33a",
    "c6": "#7cc0ea",
}
_LINK = "{http://www.w3.org/1999/xlink}href"
_ROOT_STYLE = (
    "display:block;width:100%;max-width:30rem;height:auto;"
    "font-family:inherit;stroke-linejoin:round"
)


def variables() -> str:
    """The style sheet that defines the variables: light, dark on a screen whose reader
    prefers that, and light in print."""

    def block(colors):
        return ":root{" + "".join(f"--{k}:{v};" for k, v in colors.items()) + "}"

    dark = "@media screen and (prefers-color-scheme:dark)"
    return f"{block(LIGHT)}\n{dark}{{{block(DARK)}}}\n"


def inline(figure: Figure, title: str, description: str) -> str:
    """The figure as an <svg> element for an HTML page.

    The same figure and texts give the same element. Its ids are its own as long as no
    other figure of the page has the same title.

    Args:
      title: what the figure is, for those who do not see it.
      description: what it shows, in a sentence or two, with the numbers that matter.
    """
    prefix = "f" + hashlib.sha256(title.encode()).hexdigest()[:8]
    root = ElementTree.fromstring(_drawn(figure, prefix))
    for parent in [*root.iter()]:
        for child in [*parent]:
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _tidy(element)
    _name(root, prefix)
    names = {"title": title, "desc": description}
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": " ".join(f"{prefix}-{name}" for name in names),
        "style": _ROOT_STYLE,
    }
    for place, (name, text) in enumerate(names.items()):
        root.insert(place, ElementTree.Element(name, {"id": f"{prefix}-{name}"}))
        root[place].text = text
    return ElementTree.tostring(root, encoding="unicode")


def _drawn(figure: Figure, salt: str) -> bytes:
    """The figure as matplotlib writes it, text as text and not as mathematics."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    file = io.BytesIO()
    with (
        warnings.catch_warnings(),
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}),
    ):
        # The letters that matplotlib's own font lacks are the reader's fonts' affair.
        warnings.filterwarnings("ignore", "Glyph |Matplotlib currently does not")
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def _tidy(element: ElementTree.Element) -> None:
    """Colours by their variables, the page's font, and no more digits than are seen."""
    element.tag = element.tag.rpartition("}")[2]
    element.text, element.tail = (element.text or "").strip() or None, None
    if _LINK in element.attrib:
        element.set("href", element.attrib.pop(_LINK))
    for name, value in element.attrib.items():
        if name == "style":
            for variable, color in LIGHT.items():
                value = value.replace(color, f"var(--{variable})")
            value = re.sub(r"font-family:[^;]*;", "", value)
            value = value.replace(": ", ":").replace("; ", ";")
        if name in ("d", "x", "y", "transform", "style"):
            value = re.sub(r"-?\d+\.\d+", _rounded, value)
            value = " ".join(value.split())
        element.set(name, value)


def _rounded(number: re.Match) -> str:
    """To a hundredth of a user unit, of which a figure is some 280 wide."""
    return f"{round(float(number[0]), 2):g}"


def _name(root: ElementTree.Element, prefix: str) -> None:
    """Keeps the ids that something refers to, and makes them the figure's own."""
    used = {
        name
        for element in root.iter()
        for value in element.attrib.values()
        for name in re.findall(r"#(\w+)", value)
    }
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, f"{prefix}-{value}")
            else:
                element.set(name, re.sub(r"#(\w+)", rf"#{prefix}-\1", value))
