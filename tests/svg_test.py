import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from vladser.plots import areas, lines, style, svg

EMOTIONS = ("angry", "happy")


def _figures():
    bars = [(0.4, 0.6)] * 2
    return {
        "confusion": areas.confusion(np.eye(2), EMOTIONS, "a < b & c"),
        "clusters": areas.clusters(np.full((2, 2, 10), 0.5), EMOTIONS),
        "rows": lines.by_condition(["x", "y"], [0.5, 0.6], bars, [0.5, None], "y"),
        "epochs": lines.by_epoch({"x": np.ones((3, 4))}, "loss"),
    }


@pytest.fixture(scope="module")
def drawn():
    return {name: svg.inline(f, name, f"says {name}") for name, f in _figures().items()}


@pytest.fixture(params=_figures())
def text(request, drawn):
    return drawn[request.param]


def test_every_color_is_a_variable_that_light_and_dark_define(text):
    used = set(re.findall(r"var\(--(\w+)\)", text))
    assert "ink" in used and used <= set(svg.LIGHT) == set(svg.DARK)
    values = re.findall(r"(?:fill|stroke):([^;\"]+)", text)
    assert values and all(v == "none" or v.startswith("var(--") for v in values)
    assert not re.search(r"#[0-9a-f]{6}\b", text)
    light, dark = svg.variables().split("@media")
    for name, color in svg.LIGHT.items():
        assert f"--{name}:{color};" in light
        assert f"--{name}:{svg.DARK[name]};" in dark


def test_it_stands_alone_fits_its_container_and_is_told_in_words(text):
    for reference in re.findall(r"(?:href=\"|url\()([^\")]+)", text):
        assert reference.startswith("#") and f'id="{reference[1:]}"' in text
    assert not re.search(r"http|<image|data:|<\?xml|<!DOCTYPE|<style|DejaVu", text)
    assert len(text) < 30_000
    root = ElementTree.fromstring(text)
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == ("title", "desc")
    assert description.text == f"says {title.text}"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "width:100%" in root.get("style") and "max-width" in root.get("style")
    assert not {"width", "height"} & {*root.attrib} and root.get("role") == "img"
    assert root.get("viewBox").startswith("0 0 280.8 ")


def test_ids_are_unique_in_a_page(drawn):
    ids = [i for text in drawn.values() for i in re.findall(r"\bid=\"([^\"]+)", text)]
    assert len(ids) == len(set(ids)) > 2 * len(drawn)


@pytest.mark.parametrize("names", [["<b>&", "$x$ _", "$\\"], ["王小明", "नमस्ते", "😀"]])
def test_names_may_hold_anything_in_any_script(names):
    nothing = [None] * 3
    figure = lines.by_condition(names, [0.5] * 3, nothing, nothing, names[0])
    with warnings.catch_warnings(action="error"):
        root = ElementTree.fromstring(svg.inline(figure, "<i>", '"&'))
    texts = {text.text for text in root.iter("text")}
    assert {*names, "mean"} <= texts  # text stays text


@pytest.mark.parametrize("colors", [svg.LIGHT, svg.DARK])
def test_contrast_suffices(colors):
    colors = {name: np.array(to_rgb(color)) for name, color in colors.items()}
    paper, ink = colors["paper"], colors["ink"]
    assert _contrast(ink, paper) >= 7 and _contrast(colors["muted"], paper) >= 4.5
    for number in range(1, 7):
        color = colors[f"c{number}"]
        darkest = style.SHADE * color + (1 - style.SHADE) * paper
        assert _contrast(color, paper) >= 3 and _contrast(ink, darkest) >= 4.5


def _contrast(*colors):
    """The contrast ratio of two colors by WCAG 2.2."""
    colors = np.array(colors)
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )
    dark, light = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (light + 0.05) / (dark + 0.05)
