"""What all tests share: two CPU devices wherever they run, one thread each, a folder of
compiled programs; a corpus, a run and a model that are made once."""

import gc
import os
import resource
import sys
import tempfile
from functools import partial

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Most of the time of these tests is that of XLA's compiler, and half of it optimizes.
# .ci/run repeats what is numeric with all optimizations.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

if "PYTEST_XDIST_WORKER" not in os.environ:  # before there are workers, which inherit
    programs = tempfile.TemporaryDirectory(prefix="vladser-tests-")
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": programs.name,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_NUM_CPU_DEVICES": "2",
        # Two workers, or a worker and its program, on two cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PJRT_NPROC": "1",
    }

import pytest
from filelock import FileLock

gc.disable()  # while tests are imported: nothing of that is garbage

_MEMORY = 1 << 20  # of a worker, in KiB; the most that it ever had


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is long, or reads the first run, is slow as well."""
    for item in items:
        if item.get_closest_marker("long") or "first" in item.fixturenames:
            item.add_marker("slow")


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
def _programs_in_memory():
    """Drops what was compiled where it takes too much memory; it is on the disk."""
    yield
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, bytes on a Mac
    if "jax" in sys.modules and used > _MEMORY:
        sys.modules["jax"].clear_caches()


@pytest.fixture
def float64():
    """No mistake is as small as a rounding there."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture
def compiled():
    """The names of the programs that are compiled during a test."""
    import jax

    names, on = [], True

    def listen(event, duration, **details):
        if on and event.endswith("backend_compile_duration"):
            names.append(details["fun_name"])

    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    on = False


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Has folders that all workers read filled by one of them: `shared(name, fill)`."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder(name, fill):
        made = root / f"shared-{name}"
        with FileLock(f"{made}.lock"):
            if not made.exists():
                made.mkdir()
                fill(made)
        return made

    return folder


@pytest.fixture(scope="session")
def corpus(shared):
    """The flags of a corpus of tones, whose features are in the cache. It is only read,
    but the cache may grow."""
    import launching  # late: the process that only starts workers needs none of it

    return launching.flags_of(shared("corpus", launching.fill))


@pytest.fixture(scope="session")
def first(shared, corpus):
    """A run, as a user starts it, on features that it extracts; to be read."""
    import launching

    return launching.First(shared("first", partial(launching.run_first, corpus)))


@pytest.fixture
def train(corpus, tmp_path):
    """Runs SMALL and more flags in this process, into the folder run."""
    import launching

    folder = f"--run_dir={tmp_path / 'run'}"
    return partial(launching.call, *corpus, *launching.SMALL, folder)


@pytest.fixture(scope="session")
def undisturbed(shared, corpus):
    """An experiment as processes that are killed run it; its cache has all features."""
    import killing

    folder = shared("experiment", partial(killing.run_whole, corpus))
    return killing.whole(corpus, folder)


@pytest.fixture(scope="session")
def trained(shared):
    """A model of three speakers; to be read."""
    import predicting

    return predicting.Trained(shared("trained", predicting.train))
