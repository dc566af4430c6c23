"""What of its environment a program does not hear, so that it is the same everywhere.

docs/faults.md has the table; what is not here is honoured, JAX_PLATFORMS among others.
"""

import logging
import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper

# The backend of a notebook, which shows pictures, the defaults of progress bars, and
# what hooks set: a run notes the commit of the sources, not of another repository.
_GIT = "GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|COMMON_DIR)"
_UNHEARD = re.compile(f"MPLBACKEND|TQDM_.*|{_GIT}")
# Settings of jax that would change figures, or refuse programs, whatever JAX_* say.
JAX = {
    "jax_debug_infs": False,
    "jax_debug_nans": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_random_seed_offset": 0,
    "jax_threefry_partitionable": True,
    "jax_transfer_guard": "allow",
}


def read_utf8() -> None:
    """Begins the process anew where Python would read file names in another encoding
    than UTF-8: with PYTHONUTF8=0 it believes the locale, and decides at its start."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, sys.orig_argv)


def settle() -> None:
    """Makes the environment that of every other process; call it before imports."""
    for name in filter(_UNHEARD.fullmatch, [*os.environ]):
        del os.environ[name]
    # It warns of home folders and configurations that do not matter here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for name, errors in ("stdout", "surrogateescape"), ("stderr", "backslashreplace"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the parent process
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):  # UTF-8, whatever the locale
            with suppress(OSError, ValueError):
                stream.reconfigure(encoding="utf-8", errors=errors)
