"""The parts of a system by name: `NAME(option=value, ...)`, in flags and files alike.

Each kind of part has a room, a package that lists its parts as `NAMES`. A part is a
file with one factory function of the same name, which returns the kind's contract, see
`contracts`, and whose keyword-only arguments are the options. Names and options are
read from the source: importing it would import jax, and wrong flags must be answered at
once. A part that lives elsewhere is named by its import path,
`my_package.my_module.my_pooling(size=3)`, and is checked when it is built.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from vladser import contracts, options, own_code
from vladser.errors import InputError
from vladser.options import Option
from vladser.types import Part


@dataclass(frozen=True)
class Room:
    """The parts of one kind."""

    kind: str  # what messages call a part
    package: str  # where the built-in parts are
    contract: type  # what factories return
    traced: bool = False  # whether options are data, not part of the compiled program

    def names(self) -> tuple[str, ...]:
        """Returns the names of the built-in parts, in alphabetical order."""
        return import_module(self.package).NAMES

    @cache  # noqa: B019 (the rooms live as long as the program)
    def options(self, name: str) -> dict[str, Option]:
        """Returns the options of a built-in part, read from its source."""
        (folder,) = import_module(self.package).__path__
        source = (Path(folder) / f"{name}.py").read_text(encoding="utf-8")
        (factory,) = (
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and node.name == name
        )
        texts = options.texts(ast.get_docstring(factory), "Args")
        declared = zip(factory.args.kwonlyargs, factory.args.kw_defaults, strict=True)
        return {
            option.arg: Option(
                ast.unparse(option.annotation) if option.annotation else "",
                ast.literal_eval(default),
                texts.get(option.arg, ""),
            )
            for option, default in declared
            if default
        }

    def parse(self, text: str) -> Part:
        """Parses `netvlad(clusters=8)`.

        A built-in part gets all of its options: `netvlad` is `netvlad(clusters=4)`.
        Texts without spaces need no quotes, `embedding(model=facebook/hubert-base)`,
        and true is True.

        Raises:
          InputError: the text has another form, or names an unknown part or option.
        """
        try:
            node = ast.parse(_quoted(text.strip()), mode="eval").body
            call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
            given = {
                option.arg: ast.literal_eval(option.value)
                for option in call.keywords
                if option.arg  # no **
            }
            if call.args or len(given) < len(call.keywords):
                raise ValueError
            hash(tuple(given.items()))  # a Part is hashable
            name = ast.unparse(call.func)
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            form = "NAME or NAME(option=value, ...)"
            raise InputError(
                f"{self.kind}: expected {form}, got {text!r:.60}"
            ) from None
        return self._part(name, given)

    def replace(self, part: Part, given: dict[str, Any]) -> Part:
        """Returns the part with other values for the options that are given.

        Raises:
          InputError: an unknown option, or a value that it cannot have.
        """
        return self._part(part.name, dict(part.options) | given)

    def build(self, part: Part, traced: dict[str, Any] | None = None) -> Any:
        """Returns what the factory that the part names makes, a `contract`.

        Args:
          part: with its options, or some of them.
          traced: values of options that are arrays; they replace those of the part.

        Raises:
          InputError: the factory cannot be imported, does not take these options, or
            makes something else.
        """
        part, what = self.replace(part, {}), f"{self.kind} {part}"
        given = dict(part.options) | (traced or {})
        if is_built_in(part):
            home = import_module(f"{self.package}.{part.name}")
            try:
                return getattr(home, part.name)(**given)
            except ValueError as error:
                raise InputError(f"{what}: {error}") from error
        factory = own_code.load(what, part.name)
        with own_code.blamed(what, part.name):
            made = factory(**given)
        if not isinstance(made, self.contract):
            expected = f"{self.contract.__module__}.{self.contract.__name__}"
            raise InputError(f"{what}: expected a {expected}, got {made!r:.60}")
        return own_code.guard(made, what, part.name)

    def _part(self, name: str, given: dict[str, Any]) -> Part:
        """Returns a part; a built-in one has its options checked and completed."""
        if "." in name:  # an import path
            return Part(name, tuple(given.items()))
        if name not in self.names():
            known = ", ".join(self.names())
            raise InputError(f"{self.kind}: expected one of {known}, got {name!r:.60}")
        declared = self.options(name)
        complete = {option: known.default for option, known in declared.items()}
        for option, value in given.items():
            if option not in declared:
                known = ", ".join(declared) or "none"
                raise InputError(
                    f"{self.kind} {name} has no option {option!r}: expected {known}"
                )
            try:
                complete[option] = options.check(*declared[option][:2], value)
            except ValueError as error:
                raise InputError(f"{self.kind} {name}: {option}: {error}") from None
        return Part(name, tuple(complete.items()))


# A text in quotes, or the value of an option, up to the comma or parenthesis behind it.
_VALUE = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<==)\s*([\w~./+-]+)\s*(?=[,)])"""
)


def _quoted(text: str) -> str:
    """Returns the text of a part with quotes around values that are no literals."""

    def quote(found: re.Match[str]) -> str:
        value = found[1]
        if value is None:  # in quotes already
            return found[0]
        if value in ("true", "false"):
            return value.title()
        try:
            ast.literal_eval(value)
        except (SyntaxError, ValueError):
            return repr(value)
        return value

    return _VALUE.sub(quote, text)


def is_built_in(part: Part) -> bool:
    """Returns whether vladser has the part, rather than an import path."""
    return "." not in part.name


pieces = Room("pieces", "vladser.pieces", contracts.Pieces)
features = Room("features", "vladser.features", contracts.Features)
encoders = Room("encoder", "vladser.encoders", contracts.Encoder)
aggregators = Room("aggregator", "vladser.aggregators", contracts.Aggregator)
heads = Room("head", "vladser.heads", contracts.Head)
objectives = Room("objective", "vladser.objectives", contracts.Objective, traced=True)
optimizers = Room("optimizer", "vladser.optimizers", contracts.Optimizer, traced=True)
readouts = Room("readout", "vladser.readouts", contracts.Readout)
ROOMS = {
    room.kind: room
    for room in (
        *(features, pieces, encoders, aggregators, heads),
        *(objectives, optimizers, readouts),
    )
}
