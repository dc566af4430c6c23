"""What docs/extending.md shows is run, as it says it."""

import re
import runpy

import documented
import launching
import pytest

from vladser import testing
from vladser.registry import aggregators

pytestmark = pytest.mark.numeric

PAGES = "README.md", "docs/extending.md"


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """The folder in which the reader has what the pages show."""
    for page in PAGES:
        for name, code in documented.own_poolings(page):
            (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


COMMANDS = [
    command
    for page in PAGES
    for command in documented.commands(documented.page(page))
    if "my_" in command
]


def test_the_pooling_of_the_readme_has_20_lines():
    ((_, code),) = documented.own_poolings("README.md")
    assert len(code.split("\n\n\n")[1].splitlines()) <= 20


def _block(text):
    """The block of Python in docs/extending.md that has some text in it."""
    blocks = documented.blocks(documented.page("docs/extending.md"), "python")
    (code,) = (block for block in blocks if text in block)
    return code


@pytest.mark.slow
def test_the_checks_can_be_called_as_the_page_shows_them(reader):
    exec(_block("from vladser import testing"), {})
    modules = aggregators.build(aggregators.parse("my_modules.attention(hidden=8)"))
    testing.check_aggregator(modules)
    assert modules.stepwise is None


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_experiment_can_begin(reader, corpus, capsys, command):
    ((name, argv),) = documented.programs(command)
    assert name == "main"
    # Instead of the demo, which would be synthesized first.
    assert launching.call(*argv, *corpus, "--dry_run") == 0, capsys.readouterr().err
    (own, *_) = re.findall(r"my_\w+\.\w+", command)
    assert own in capsys.readouterr().out


@pytest.mark.slow
def test_the_library_is_used_as_the_page_shows_it(reader, corpus):
    """On the tones, with the README's pooling, for one epoch instead of ten."""
    file, cache = (flag.partition("=")[2] for flag in corpus[1:])
    code = _block("import experiment")
    for text, instead in [
        ('"emodb", Path("EMODB")', f'"manifest", Path({file!r})'),
        ('Path("cache")', f"Path({cache!r})"),
        ('"mean"', '"my_pooling.soft_maximum"'),
        ("epochs=10", "epochs=1"),
    ]:
        assert text in code
        code = code.replace(text, instead)
    (reader / "example.py").write_text(code)
    names = runpy.run_path(str(reader / "example.py"), run_name="__main__")
    of_folds = names["outcome"].results.probabilities
    assert [tested.shape for tested in of_folds] == [(1, 1, 8, 4)] * 4
    assert all(abs(tested.sum(axis=-1) - 1).max() < 1e-5 for tested in of_folds)
