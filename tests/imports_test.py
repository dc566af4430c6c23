"""Imports run one way, and what must start fast or run in workers loads no jax."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import vladser

ROOT = Path(__file__).parent.parent
# In their order, as the package's docstring lists them.
ROOMS = re.findall(r"^    (\w+) ", vladser.__doc__, re.M)


def _name(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = sorted([*ROOT.glob("vladser/**/*.py"), *ROOT.glob("launch/**/*.py")])
MODULES = {_name(file): file for file in FILES}


def _imports(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []  # these are not executed
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room(module):
    """The place of its room; None for what is in none."""
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return ROOMS.index(room) if package == "vladser" and room in ROOMS else None


def test_every_room_is_listed():
    rooms = {m.split(".")[1] for m in MODULES if m.startswith("vladser.")}
    assert rooms == set(ROOMS)


def test_a_room_imports_rooms_listed_before_it_alone():
    for module, path in MODULES.items():
        if module.startswith("vladser"):
            for imported in _imports(path):
                assert imported.split(".")[0] not in ("absl", "launch"), module
                if None not in (_room(imported), _room(module)):
                    assert _room(imported) <= _room(module), (module, imported)


def test_no_imports_go_in_a_circle():
    graph = {}
    for module, path in MODULES.items():
        imported = {*_imports(path), module.rpartition(".")[0]}
        graph[module] = (imported & MODULES.keys()) - {module}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


LOAD_NO_JAX = [
    "vladser.types",
    "vladser.contracts",
    "vladser.corpora.iemocap",
    "vladser.corpora.demo.reader",
    "vladser.features",
    "vladser.aggregators",
    "vladser.evaluation.comparisons",
    "launch.audit",
    "launch.benchmark",
    "launch.export",
    "launch.command_line.flags",
    "launch.main",
    "launch.predict",
    "launch.report",
    "launch.stream",
]


def test_some_modules_and_flags_load_no_jax():
    """One after the other: what loads it is named."""
    code = (
        "import importlib, sys\n"
        "for module in sys.argv[1:]:\n"
        "    importlib.import_module(module)\n"
        "    assert 'jax' not in sys.modules, module\n"
        "from launch.command_line import cli, flags\n"
        "argv = '--flagfile=demo.flags', '--grid=aggregator=mean,netvlad(clusters=0)'\n"
        "assert cli.run(print, flags.Settings, '', argv) == 2\n"
        "assert 'jax' not in sys.modules"
    )
    command = [sys.executable, "-c", code, *LOAD_NO_JAX]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
