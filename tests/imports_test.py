"""Imports run one way, and what must start fast or run in workers loads no jax."""

import ast
import graphlib
import importlib
import re
import subprocess
import sys
from pathlib import Path

import vladser

ROOT = Path(__file__).parent.parent


def _rooms():
    """The rooms in their order, as the package's docstring lists them."""
    return re.findall(r"^    (\w+) ", vladser.__doc__, re.M)


def _room(module):
    return module.split(".")[1]


def _modules():
    for path in sorted([*ROOT.glob("vladser/**/*.py"), *ROOT.glob("launch/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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


def _of_vladser(module):
    return module.startswith("vladser.")


def test_every_room_is_listed():
    there = {_room(module) for _, module in _modules() if _of_vladser(module)}
    assert there == set(_rooms())


def test_a_room_imports_rooms_listed_before_it_alone():
    place = {room: number for number, room in enumerate(_rooms())}
    for path, module in _modules():
        for imported in _imports(path):
            root = imported.split(".")[0]
            if module.startswith("vladser"):
                assert root not in ("absl", "launch"), (module, imported)
            if _of_vladser(module) and _of_vladser(imported):
                above = _room(imported)
                if above in place:  # not a name of vladser itself
                    assert place[above] <= place[_room(module)], (module, imported)


def test_no_imports_go_in_a_circle():
    modules = {module: path for path, module in _modules()}
    graph = {}
    for module, path in modules.items():
        parents = [module.rpartition(".")[0]] if "." in module else []
        graph[module] = {m for m in [*_imports(path), *parents] if m in modules}
    graph = {module: found - {module} for module, found in graph.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_every_module_can_be_imported():
    """But those of an extra that is not installed."""
    for _, module in _modules():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            assert error.name in ("torch", "sounddevice"), module


LOAD_NO_JAX = [
    "vladser.types",
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
    "launch.stream",
]


def test_some_modules_load_no_jax():
    """One after the other: what loads it is named."""
    code = (
        "import importlib, sys\n"
        "for module in sys.argv[1:]:\n"
        "    importlib.import_module(module)\n"
        "    assert 'jax' not in sys.modules, module"
    )
    command = [sys.executable, "-c", code, *LOAD_NO_JAX]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
