"""What jax must be told before its first use."""

import jax


def prepare(cores: int) -> None:
    """One CPU device a core: the trials are then trained side by side. Without effect
    where jax finds an accelerator."""
    jax.config.update("jax_num_cpu_devices", cores)
