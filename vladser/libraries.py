"""Packages that need a shared library, which may not load."""

from importlib import import_module
from types import ModuleType

from vladser.errors import InputError


def load(name: str, extra: str = "") -> ModuleType:
    """Imports a package, which an extra of vladser may install; raises InputError,
    which says how to mend it, where it fails.

    What fails here would fail for every file, and must not be blamed on one.
    """
    try:
        return import_module(name)
    except Exception as error:  # shared libraries raise many
        raise InputError(
            f"{name} cannot be loaded: {hint(extra or name, error)}"
        ) from error


def hint(package: str, error: Exception) -> str:
    """Returns an error in one line, with what to install."""
    absent = isinstance(error, ModuleNotFoundError)
    how = "" if absent else "--force-reinstall "
    reason = " ".join(f"{error}".split()) or repr(error)
    return f"{reason}: pip install {how}{package}"
