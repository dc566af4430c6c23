"""Two CPU devices, as on a machine of two cores, wherever the tests run."""

import jax

jax.config.update("jax_num_cpu_devices", 2)
