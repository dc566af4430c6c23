"""Kind of fault: the environment leaks into a program."""

import re
import subprocess
import sys

import killing
import launching
import pytest
from interrupting_test import PROGRAMS, folder, start  # noqa: F401 (a fixture)

from launch.command_line import environment
from launch.output import provenance

pytestmark = pytest.mark.fault("environment")

# By name what is not heard: each alone would change figures, stop a program, or print.
UNHEARD = {
    "COLUMNS": "9",
    "JAX_DEBUG_NANS": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_DISABLE_JIT": "1",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_TRANSFER_GUARD": "disallow",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "C",
    "LINES": "x",
    "MATPLOTLIBRC": "{rc}",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MPLCONFIGDIR": "/dev/null/none",
    "MALLOC_PERTURB_": "165",
    "NO_COLOR": "1",
    "OMP_NUM_THREADS": "abc",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "ascii",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
    "TERM": "dumb",
    "TMPDIR": "/nowhere",
    "TQDM_MININTERVAL": "x",
    "TZ": "Pacific/Kiritimati",
}
LONG = pytest.mark.long
RC = "text.usetex: True\nfont.size: 30\nsavefig.bbox: tight\nno.such.key: 1\n"
REFUSED = {
    "JAX_PLATFORMS=cuda": "error: JAX_PLATFORMS=cuda: no device: ",
    "JAX_PLATFORMS=abacus": "error: JAX_PLATFORMS=abacus: no device: ",
    "JAX_NUM_CPU_DEVICES=two": 'error: jax cannot be imported: Invalid value "two"',
    "JAX_ENABLE_X64=perhaps": "error: jax cannot be imported: ",
}


def unheard(tmp_path, names):
    (tmp_path / "matplotlibrc").write_text(RC)
    return {name: UNHEARD[name].format(rc=tmp_path / "matplotlibrc") for name in names}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "report" else [LONG]) for name in PROGRAMS],
)
def test_a_program_does_the_same_in_any_environment(
    folder,  # noqa: F811
    tmp_path,
    monkeypatch,
    name,
):
    done = {"plain": start(name, folder, tmp_path / "plain")}
    with monkeypatch.context() as patch:
        for variable, value in unheard(tmp_path, UNHEARD).items():
            patch.setenv(variable, value)
        done["odd"] = start(name, folder, tmp_path / "odd")
    status = {way: process.wait() for way, process in done.items()}
    said = (tmp_path / "odd" / "stderr").read_text(encoding="utf-8")
    assert status == {"plain": 0, "odd": 0}, said
    assert not any(word in said for word in ("Traceback", "Warning", "matplotlib")), (
        said
    )
    if name.startswith("main"):
        ways = [tmp_path / way / "new" for way in done]
        for file in "predictions.csv", "confusion.png":
            assert len({(way / file).read_bytes() for way in ways}) == 1, file


def run(tmp_path, *argv, **variables):
    command = [sys.executable, "-m", "launch.main", *argv]
    environment = launching.environment() | variables
    done = subprocess.run(
        command, cwd=launching.ROOT, env=environment, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
@pytest.mark.parametrize("setting", REFUSED)
def test_what_cannot_be_heard_is_one_line(corpus, tmp_path, setting):
    name, _, value = setting.partition("=")
    done = run(tmp_path, *corpus, f"--run_dir={tmp_path}/run", **{name: value})
    assert done.returncode == 1 and done.stderr.startswith(REFUSED[setting])
    assert done.stderr.count("\n") == 1 and not (tmp_path / "run").exists()


def test_a_run_notes_the_commit_of_the_sources(tmp_path, monkeypatch):
    before = provenance.environment()["revision"]
    for name in "DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR":
        monkeypatch.setenv(f"GIT_{name}", str(tmp_path))
        environment.settle()
        assert provenance.environment()["revision"] == before, name


@pytest.mark.slow
def test_files_in_the_working_directory_hide_no_module(tmp_path):
    file = launching.write_corpus(tmp_path / "toy")
    for name in ("random", "json", "csv", "select", "queue", "numpy", "jax"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('hidden')")
    argv = "--corpus=manifest", f"--data_dir={file}", "--cache_dir=cache"
    status = killing.start("audit", argv, tmp_path).wait(timeout=600)
    assert status == 0, (tmp_path / "stderr").read_text()


# What `pip install -e` writes: a finder that is asked after all folders.
EDITABLE = """
import sys
from importlib.machinery import PathFinder
class Finder:
    def find_spec(name, path=None, target=None):
        parent = name.rpartition(".")[0].replace(".", "/")
        return PathFinder.find_spec(name, [f"{root}/{{parent}}"])
sys.meta_path.append(Finder)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [pytest.param("launch/talker.launch.py", marks=LONG), "launch/__init__.py"],
)
def test_vladser_in_its_sources_works_beside_another_launch(corpus, tmp_path, other):
    (tmp_path / "launch").mkdir()
    (tmp_path / other).touch()
    finder = EDITABLE.format(root=launching.ROOT)
    (tmp_path / "sitecustomize.py").write_text(finder)
    command = [sys.executable, "-m", "launch.main", *corpus, *launching.SMALL]
    environment = launching.environment() | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_files_have_any_letters_and_few_are_open_at_once(tmp_path):
    """Their names come from the command line, and from a list in UTF-8."""
    file = launching.write_corpus(tmp_path / "tön")
    (file.parent / "s0_sad_0.wav").rename(file.parent / "愤怒.wav")
    table = file.read_text(encoding="utf-8").replace("s0_sad_0", "愤怒")
    file.write_text(table, encoding="utf-8")
    few = ["/bin/sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", sys.executable]
    argv = ["--corpus=manifest", f"--data_dir={file}", *launching.SMALL]
    argv += [f"--cache_dir={tmp_path}/cache", f"--run_dir={tmp_path}/run"]
    ascii = launching.environment() | {"PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [*few, "-m", "launch.main", *argv]
    done = subprocess.run(command, cwd=launching.ROOT, env=ascii, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_help_lists_the_flags_where_python_has_dropped_their_texts(tmp_path):
    pages = [run(tmp_path, "--help", PYTHONOPTIMIZE=level).stdout for level in "02"]
    whole, dropped = ({*re.findall(r"^  --\w+", page, re.M)} for page in pages)
    assert whole == dropped and len(whole) > 30
    assert pages[1].startswith("python -OO has dropped the texts")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_any_standard_stream_may_be_closed(closed):
    command = f"exec '{sys.executable}' -m launch.main --version {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=launching.ROOT, capture_output=True
    )
    assert done.returncode == 0 and not done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="makes a namespace of users")
def test_a_user_without_a_home_needs_a_cache_dir_alone(tmp_path):
    nobody = ["unshare", "--user", "--map-user=54321", "env", "-u", "HOME"]
    nobody += ["-u", "XDG_CACHE_HOME", sys.executable, "-m", "launch.main"]
    if subprocess.run([*nobody[:3], "true"]).returncode:
        pytest.skip("namespaces are not allowed here")

    def run(*argv):
        command = [*nobody, *argv]
        return subprocess.run(
            command, cwd=launching.ROOT, capture_output=True, text=True
        )

    assert run("--help").returncode == 0
    done = run("--corpus=emodb", f"--data_dir={tmp_path}")
    assert done.returncode == 2 and "--cache_dir" in done.stderr
    assert done.stderr.count("\n") == 1
