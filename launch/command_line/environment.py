"""What of its environment a program does not hear, so that it is the same everywhere.

docs/faults.md has the table; what is not here is honoured, JAX_PLATFORMS among others.
"""

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

# Of notebooks (pictures are written, never shown), and of hooks of other repositories
# than that of the sources, whose commit a run notes.
_UNHEARD = (
    *("MPLBACKEND", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
)
# Settings of jax that would change figures, or refuse programs, whatever JAX_* say.
JAX = {
    "jax_debug_infs": False,
    "jax_debug_nans": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_disable_jit": False,
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_random_seed_offset": 0,
    "jax_threefry_partitionable": True,
}


def settle() -> None:
    """Makes the environment that of every other process; call it before imports."""
    for name in _UNHEARD:
        os.environ.pop(name, None)
    # It warns of home folders and configurations that do not matter here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for name, errors in ("stdout", "surrogateescape"), ("stderr", "backslashreplace"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the parent process
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):  # UTF-8, whatever the locale
            with suppress(OSError, ValueError):
                stream.reconfigure(encoding="utf-8", errors=errors)
