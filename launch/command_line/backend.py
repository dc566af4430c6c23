"""What jax must be told before its first use."""

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from launch.experiment import programs


def prepare(cores: int, cache_dir: Path) -> None:
    """Sets what the environment does not: one CPU device a core, where the trials are
    then trained side by side (without effect where jax finds an accelerator), and that
    compiled programs are kept for the next run.

    Args:
      cache_dir: where programs are kept, if it can be read and written. jax takes what
        lies there for its own.
    """
    told = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    config: Any = jax.config  # whose attributes are made at run time
    if config.jax_num_cpu_devices < 0 and not told:
        jax.config.update("jax_num_cpu_devices", cores)
    if config.jax_compilation_cache_dir is None:
        with suppress(OSError):
            programs.guard(cache_dir)
            jax.config.update("jax_compilation_cache_dir", str(cache_dir))
            # Those that compile fast are no less many: keep all.
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    # A program that cannot be kept, or read again, is compiled: that only takes time.
    warnings.filterwarnings("ignore", "Error .* persistent compilation cache entry")
