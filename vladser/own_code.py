"""Code of the user's own, which an import path names: its mistakes are one line, and
what it was when it was used can be told."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from vladser.errors import InputError, VladserError


@contextmanager
def blamed(what: str, path: str) -> Iterator[None]:
    """Turns any error in its body into an InputError that names the user's file.

    Args:
      what: is at work, such as "aggregator my_module.my_pooling".
      path: the import path, whose first name tells the user's modules from others.
    """
    try:
        yield
    except VladserError:
        raise
    except (Exception, SystemExit) as error:
        said, *_ = str(error).strip().splitlines() or ["no message"]
        where = _place(error, path.partition(".")[0])
        kind = type(error).__name__
        raise InputError(f"{what}: {where}{kind}: {said}") from error


def load(what: str, path: str) -> Any:
    """Imports what an import path names, `my_package.my_module.my_function`.

    Raises:
      InputError: there is no such thing, or its module cannot be imported.
    """
    module, _, name = path.rpartition(".")
    with blamed(what, path):
        return getattr(import_module(module), name)


@dataclass(frozen=True)
class Guarded:
    """A function of the user's whose errors are `blamed`; it can be pickled if the
    function can."""

    function: Callable
    what: str
    path: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with blamed(self.what, self.path):
            return self.function(*args, **kwargs)


def guard(part: Any, what: str, path: str) -> Any:
    """Returns a part, a NamedTuple, with its functions, and those of parts in it,
    Guarded."""
    changed = {}
    for name, value in part._asdict().items():
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            changed[name] = guard(value, what, path)
        elif callable(value):
            changed[name] = Guarded(value, what, path)
    return part._replace(**changed)


def sources(path: str) -> dict[str, str]:
    """Returns the SHA-256 of the file of an imported module, and of those that were
    imported from its folder, by their paths relative to that folder."""
    module = sys.modules.get(path.rpartition(".")[0])
    if not (file := getattr(module, "__file__", None)):
        return {}
    folder = Path(file).resolve().parent
    digests = {}
    for name, other in sorted(sys.modules.items()):
        place = Path(getattr(other, "__file__", None) or "/").resolve()
        ours = name.partition(".")[0] in ("vladser", "launch")
        if not ours and place.is_relative_to(folder) and place.is_file():
            digest = hashlib.sha256(place.read_bytes()).hexdigest()
            digests[place.relative_to(folder).as_posix()] = digest
    return digests


def _place(error: BaseException, package: str) -> str:
    """Returns "file:line: " of the last line of the user's that led to an error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: "
    place, step = "", error.__traceback__
    while isinstance(step, TracebackType):
        frame = step.tb_frame
        if frame.f_globals.get("__name__", "").partition(".")[0] == package:
            place = f"{frame.f_code.co_filename}:{step.tb_lineno}: "
        step = step.tb_next
    return place
