"""Aggregators: from the frames of an utterance to one vector. One pooling a file.

To add one, add a file here: its name is the name of its one factory function and the
value of `--aggregator`; the factory's keyword arguments are the options. A pooling that
lives elsewhere is named by its import path, `my_package.my_module.my_pooling`.
"""

import ast
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from vladser.errors import InputError
from vladser.types import Aggregator, Pooling, Stream


def names() -> list[str]:
    """The built-in aggregators, in alphabetical order."""
    return sorted(module.name for module in iter_modules(__path__))


def parse(text: str) -> Pooling:
    """`netvlad(clusters=8)` -> Pooling; checks name and options without importing jax.

    A built-in aggregator gets all its options: `netvlad` is `netvlad(clusters=4)`.

    Raises:
      InputError: not of that form, an unknown aggregator, an unknown option of it.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        if call.args or len({o.arg for o in call.keywords}) < len(call.keywords):
            raise ValueError
        name = ast.unparse(call.func)
        options = tuple(
            (option.arg, ast.literal_eval(option.value)) for option in call.keywords
        )
        hash(options)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise InputError(
            f"aggregator {text!r}: write NAME or NAME(option=value, ...)"
        ) from None
    if "." in name:
        return Pooling(name, options)
    if name not in names():
        raise InputError(f"unknown aggregator {name!r}: one of {', '.join(names())}")
    known = _options(name)
    for option, _ in options:
        if option not in known:
            has = ", ".join(known) or "no options"
            raise InputError(f"aggregator {name} has no option {option!r}: has {has}")
    for option, value in options:
        whole = type(known[option]) is int
        if whole and (type(value) is not int or value < 1):
            raise InputError(
                f"aggregator {name}: {option}={value!r}: a whole number of at least 1"
            )
    return Pooling(name, tuple((known | dict(options)).items()))


def build(pooling: Pooling) -> Aggregator:
    """The aggregator that `pooling` names.

    Raises:
      InputError: it cannot be imported, or does not take these options.
    """
    module, _, function = pooling.name.rpartition(".")
    try:
        factory = getattr(import_module(module or f"{__name__}.{function}"), function)
        return factory(**dict(pooling.options))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"aggregator {pooling}: {error}") from error


def streaming(init, start, update, finish) -> Aggregator:
    """An aggregator whose `apply` is its stream over one chunk, so that whole and
    streamed cannot disagree. See `types.Stream` for the three functions."""

    def apply(params, frames, mask):
        return finish(
            params, update(params, start(params, frames.shape[-1]), frames, mask)
        )

    return Aggregator(init, apply, Stream(start, update, finish))


def _options(name: str) -> dict[str, Any]:
    """The keyword arguments of a built-in factory and their defaults, read from its
    source: importing it would import jax, and a wrong flag must be answered at once."""
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            names = [argument.arg for argument in node.args.kwonlyargs]
            values = map(ast.literal_eval, node.args.kw_defaults)
            return dict(zip(names, values, strict=True))
    raise AssertionError(f"{name}.py has no function {name}")
