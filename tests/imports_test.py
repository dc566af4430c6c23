"""Imports run one way, and what must start fast or run in workers loads no jax."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# From the bottom up: a module imports only from lines above its own, or its own line.
LAYERS = [
    "vladser vladser.errors",
    "vladser.types vladser.packed vladser.statistics vladser.paper vladser.snapshot",
    "vladser.corpora vladser.features vladser.masking vladser.lstm vladser.metrics "
    "vladser.chunked vladser.clustering vladser.running",
    "vladser.aggregators vladser.smoothing vladser.losses",
    "vladser.comparisons vladser.dataset vladser.folds vladser.model vladser.linen",
    "vladser.batches vladser.training vladser.results vladser.bundle",
    "vladser.sweep vladser.trials vladser.plots vladser.clusters vladser.inference "
    "vladser.export",
    "vladser.events vladser.block",
    "vladser.experiment",
    "vladser.chunks",
    "vladser.merging",
    "vladser.audit",
    "launch",
]


def _layer(module):
    best = max(
        (
            (len(name), number)
            for number, layer in enumerate(LAYERS)
            for name in layer.split()
            if module == name or module.startswith(name + ".")
        ),
    )
    return best[1]


def _modules():
    for path in sorted([*ROOT.glob("vladser/**/*.py"), *ROOT.glob("launch/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_run_one_way():
    for path, module in _modules():
        for imported in _imports(path):
            root = imported.split(".")[0]
            assert not (module.startswith("vladser") and root == "absl"), module
            if root in ("vladser", "launch"):
                assert _layer(imported) <= _layer(module), (module, imported)


def test_every_module_has_a_layer_of_its_own():
    named = {name for layer in LAYERS for name in layer.split()}
    for _, module in _modules():
        top = ".".join(module.split(".")[:2]) if module[0] == "v" else "launch"
        assert top in named, module


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
    "vladser.corpora.demo",
    "vladser.features",
    "vladser.aggregators",
    "vladser.comparisons",
    "launch.audit",
    "launch.export",
    "launch.flags",
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
