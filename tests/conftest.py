"""What all tests share: two CPU devices wherever they run, one thread each, and one
folder of compiled programs, for the workers of pytest and for what they start."""

import os
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:  # before there are workers, which inherit
    programs = tempfile.TemporaryDirectory(prefix="vladser-tests-")
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": programs.name,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        # Two workers, or a worker and its program, on two cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PJRT_NPROC": "1",
    }

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(autouse=True, scope="module")
def _programs_of_one_module():
    """Keeps in memory what one module compiled; others find it on the disk."""
    yield
    jax.clear_caches()
