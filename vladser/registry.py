"""The parts of a system by name: `NAME(option=value, ...)`, as flags and files say it.

Each kind of part has a room, a package that lists its values as `NAMES`. A value is a
file with one factory function of the same name, whose keyword-only arguments are the
options; names and options are checked without importing it, for that would import jax,
and a wrong flag must be answered at once. A part that lives elsewhere is named by its
import path: `my_package.my_module.my_pooling(size=3)`.
"""

import ast
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from vladser import options
from vladser.errors import InputError
from vladser.options import Option
from vladser.types import Aggregator, Encoder, Head, Objective, Optimizer, Part


@dataclass(frozen=True)
class Room:
    """The parts of one kind.

    Attributes:
      kind: what a part of it is called, in messages.
      package: where the built-in ones are.
      contract: the type that their factories return.
      traced: their options are data: they do not change the compiled program.
    """

    kind: str
    package: str
    contract: type
    traced: bool = False

    def names(self) -> tuple[str, ...]:
        """Returns the names of the built-in parts, in alphabetical order."""
        return import_module(self.package).NAMES

    def parse(self, text: str) -> Part:
        """Parses `netvlad(clusters=8)`.

        A built-in part gets all of its options: `netvlad` is `netvlad(clusters=4)`.

        Raises:
          InputError: the text has another form, or names an unknown part or option.
        """
        name, given = self._split(text)
        if "." in name:
            return Part(name, tuple(given.items()))
        if name not in self.names():
            known = ", ".join(self.names())
            raise InputError(f"unknown {self.kind} {name!r}: one of {known}")
        return Part(name, self._checked(name, given))

    def replace(self, part: Part, given: dict[str, Any]) -> Part:
        """Returns the part with other values for some of its options.

        Raises:
          InputError: an unknown option, or a value that it cannot have.
        """
        whole = dict(part.options) | given
        if "." in part.name:
            return Part(part.name, tuple(whole.items()))
        return Part(part.name, self._checked(part.name, whole))

    def static(self, part: Part) -> Part:
        """Returns what of the part changes the compiled program."""
        return Part(part.name) if self.traced else part

    def build(self, part: Part, traced: dict[str, Any] | None = None) -> Any:
        """Calls the factory that the part names.

        Args:
          part: with its options, or some of them.
          traced: options that are arrays.

        Raises:
          InputError: it cannot be imported, or does not take these options.
        """
        module, _, function = part.name.rpartition(".")
        if not module:
            if function not in self.names():
                known = ", ".join(self.names())
                raise InputError(f"unknown {self.kind} {function!r}: one of {known}")
            self._checked(function, dict(part.options))
            module = f"{self.package}.{function}"
        try:
            factory = getattr(import_module(module), function)
            made = factory(**dict(part.options), **(traced or {}))
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{self.kind} {part}: {error}") from error
        if not isinstance(made, self.contract):
            raise InputError(
                f"{self.kind} {part} makes a {type(made).__name__}, expected a "
                f"{self.contract.__module__}.{self.contract.__name__}"
            )
        return made

    def _split(self, text: str) -> tuple[str, dict[str, Any]]:
        """Returns the name and the options that are given."""
        try:
            node = ast.parse(text.strip(), mode="eval").body
            call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
            given = {
                option.arg: ast.literal_eval(option.value)
                for option in call.keywords
                if option.arg  # no **
            }
            if call.args or len(given) < len(call.keywords):
                raise ValueError
            hash(tuple(given.items()))
            return ast.unparse(call.func), given
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            raise InputError(
                f"{self.kind} {text!r}: expected NAME or NAME(option=value, ...)"
            ) from None

    def _checked(self, name: str, given: dict[str, Any]) -> tuple:
        """Returns all options of a built-in part, those not given by their defaults.

        Raises:
          InputError: an unknown option, or a value that it cannot have.
        """
        signature = self.options(name)
        whole = {option: known.default for option, known in signature.items()}
        for option, value in given.items():
            if option not in signature:
                has = ", ".join(signature) or "no options"
                raise InputError(
                    f"{self.kind} {name} has no option {option!r}: has {has}"
                )
            try:
                whole[option] = options.check(*signature[option][:2], value)
            except ValueError as error:
                raise InputError(f"{self.kind} {name}: {option}: {error}") from None
        return tuple(whole.items())

    def options(self, name: str) -> dict[str, Option]:
        """Returns the options of a built-in part, read from its source."""
        return _options(self.package, name)


@cache
def _options(package: str, name: str) -> dict[str, Option]:
    (folder,) = import_module(package).__path__
    source = (Path(folder) / f"{name}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            arguments, defaults = node.args.kwonlyargs, node.args.kw_defaults
            texts = options.texts(ast.get_docstring(node), "Args")
            return {
                argument.arg: Option(
                    ast.unparse(argument.annotation) if argument.annotation else "",
                    ast.literal_eval(default),
                    texts.get(argument.arg, ""),
                )
                for argument, default in zip(arguments, defaults, strict=True)
                if default
            }
    raise AssertionError(f"{name}.py has no function {name}")


encoders = Room("encoder", "vladser.encoders", Encoder)
aggregators = Room("aggregator", "vladser.aggregators", Aggregator)
heads = Room("head", "vladser.heads", Head)
objectives = Room("objective", "vladser.objectives", Objective, traced=True)
optimizers = Room("optimizer", "vladser.optimizers", Optimizer, traced=True)
ROOMS = {
    room.kind: room for room in (encoders, aggregators, heads, objectives, optimizers)
}
