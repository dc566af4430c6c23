"""Configures jax, before its first use."""

import os
import warnings
from pathlib import Path
from typing import Any

import jax


def prepare(cores: int, cache_dir: Path) -> None:
    """Configures what the environment does not: one CPU device per core, on which
    trials are trained at once (no effect where jax finds an accelerator), and a cache
    of compiled programs for the next run.

    Args:
      cores: the number of CPU devices.
      cache_dir: of the programs, if it can be read and written.
    """
    told = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    config: Any = jax.config  # whose attributes are made at run time
    if config.jax_num_cpu_devices < 0 and not told:
        jax.config.update("jax_num_cpu_devices", cores)
    if config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_dir))
        # Many programs compile fast: keep them too.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    # A program that cannot be kept, or that a killed process has cut short, which no
    # compression takes for whole, is compiled again: that only takes time.
    warnings.filterwarnings("ignore", "Error .* persistent compilation cache entry")
