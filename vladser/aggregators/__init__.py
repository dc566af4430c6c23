"""Aggregators: from the frames of an utterance to one vector. One pooling a file.

To add one, add a file here: its name is the name of its one factory function and the
value of `--aggregator`; the factory's keyword arguments are the options. A pooling that
lives elsewhere is named by its import path, `my_package.my_module.my_pooling`.
"""

import ast
import sys
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
        given = [option.arg for option in call.keywords if option.arg]  # no **
        if call.args or len(set(given)) < len(call.keywords):
            raise ValueError
        name = ast.unparse(call.func)
        values = [ast.literal_eval(option.value) for option in call.keywords]
        options = tuple(zip(given, values, strict=True))
        hash(options)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise InputError(
            f"aggregator {text!r}: write NAME or NAME(option=value, ...)"
        ) from None
    if "." in name:
        return Pooling(name, options)
    if name not in names():
        raise InputError(f"unknown aggregator {name!r}: one of {', '.join(names())}")
    return Pooling(name, _checked(name, options))


def build(pooling: Pooling) -> Aggregator:
    """The aggregator that `pooling` names.

    Raises:
      InputError: it cannot be imported, or does not take these options.
    """
    module, _, function = pooling.name.rpartition(".")
    if not module and function in names():
        _checked(function, pooling.options)
    try:
        factory = getattr(import_module(module or f"{__name__}.{function}"), function)
        found = factory(**dict(pooling.options))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"aggregator {pooling}: {error}") from error
    if not isinstance(found, Aggregator):
        raise InputError(
            f"aggregator {pooling} makes a {type(found).__name__}: should make a "
            "vladser.types.Aggregator"
        )
    return found


def vector_length(pooling: Pooling, dim: int) -> int:
    """V, the length of its vectors of frames [T, dim]; nothing is computed.

    Raises:
      InputError: as `build`, or it does not turn such frames into a vector.
    """
    import jax  # late: names and options are checked without it

    aggregator = build(pooling)
    frames = jax.ShapeDtypeStruct((2, dim), "float32")
    mask = jax.ShapeDtypeStruct((2,), bool)
    try:
        params = jax.eval_shape(lambda: aggregator.init(jax.random.key(0), dim))
        vector = jax.eval_shape(aggregator.apply, params, frames, mask)
    except (TypeError, ValueError) as error:
        raise InputError(f"aggregator {pooling} of {dim} cells: {error}") from error
    if len(getattr(vector, "shape", ())) != 1:
        raise InputError(f"aggregator {pooling}: {vector} is not one vector [V]")
    return vector.shape[0]


def divide(size: int, **parts: int) -> int:
    """size / parts, where parts is an option.

    Raises:
      ValueError: it is not whole; names the option.
    """
    ((option, number),) = parts.items()
    if size % number:
        few = range(1, min(size, 128) + 1)
        right = ", ".join(str(n) for n in few if size % n == 0)
        raise ValueError(f"{option}={number}: should divide {size}, as {right} do")
    return size // number


def streaming(init, start, update, finish) -> Aggregator:
    """An aggregator whose `apply` is its stream over one chunk, so that whole and
    streamed cannot disagree. See `types.Stream` for the three functions."""

    def apply(params, frames, mask):
        return finish(
            params, update(params, start(params, frames.shape[-1]), frames, mask)
        )

    return Aggregator(init, apply, Stream(start, update, finish))


def _checked(name: str, options: tuple[tuple[str, Any], ...]) -> tuple:
    """The options of a built-in aggregator with the defaults of those not given.

    Raises:
      InputError: an unknown option, or not a value for it.
    """
    known = _options(name)
    for option, value in options:
        if option not in known:
            has = ", ".join(known) or "no options"
            raise InputError(f"aggregator {name} has no option {option!r}: has {has}")
        if type(known[option]) is float:
            legal = type(value) in (int, float) and 0 < value <= sys.float_info.max
            right = "a number above 0"
        else:
            legal = type(value) is int and value >= 1
            right = "a whole number of at least 1"
        if not legal:
            raise InputError(f"aggregator {name}: {option}={value!r}: {right}")
    given = {option: type(known[option])(value) for option, value in options}
    return tuple((known | given).items())


def _options(name: str) -> dict[str, Any]:
    """The keyword arguments of a built-in factory and their defaults, read from its
    source: importing it would import jax, and a wrong flag must be answered at once."""
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            names = [argument.arg for argument in node.args.kwonlyargs]
            values = [ast.literal_eval(d) for d in node.args.kw_defaults if d]
            return dict(zip(names, values, strict=True))
    raise AssertionError(f"{name}.py has no function {name}")
