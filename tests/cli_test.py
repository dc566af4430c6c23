import os
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

import launch
from launch.command_line import cli, flagfiles
from vladser import __version__
from vladser.errors import InputError

ROOT = Path(launch.__file__).parents[1]
SCRIPT = """
import sys
from absl import flags
from launch.command_line import cli

def define(values):
    flags.DEFINE_integer("size", 3, "How large.", flag_values=values)

sys.exit(cli.run(print, define, lambda values: values.size, "Sizes."))
"""


def define(values):
    data = {"flag_values": values, "module_name": "Data"}
    flags.DEFINE_integer("size", 3, "How large.", lower_bound=0, **data)
    flags.DEFINE_string("name", "x", "The name.", **data)
    flags.DEFINE_boolean("fast", False, "Or slow.", values, module_name="Speed")


def read(values):
    if values.size == 13:
        raise InputError("--size=13: should not be 13")
    return values.size, values.name, values.fast, values.flagfile


def parse(*argv):
    return cli.parse(define, read, argv)


def run(*argv, main=lambda settings: None):
    return cli.run(main, define, read, "Measures sizes.\n\nIn metres.", argv)


def write(path, *lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"--flagfile={path}"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_main_gets_what_read_returns():
    seen = []
    assert run("--size=5", "--name", "a b", "--fast", main=seen.append) == 0
    assert seen == [(5, "a b", True, None)]


def test_help_shows_usage_and_own_flags_by_group_with_defaults(capsys):
    assert run("--sise=1", "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith("Measures sizes.\n\nIn metres.\n\nData:\n  --size ")
    assert "How large. (default: 3)" in out
    assert out.index("Data:") < out.index("--name") < out.index("Speed:")
    assert out.index("Speed:") < out.index("--fast") < out.index("--flagfile")
    assert "--logtostderr" not in out and "--undefok" not in out
    assert max(map(len, out.splitlines())) <= 88


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"vladser {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--sise=3"], "unknown flag --sise: did you mean --size?"),
        (["--versoin"], "unknown flag --versoin: did you mean --version?"),
        (["--qqq"], "unknown flag --qqq: --help lists all flags"),
        (["--size=-1"], "--size=-1: -1 is not a non-negative integer"),
        (["--size=13"], "--size=13: should not be 13"),
        (["--size"], "--size"),
        (["--nofast=3"], "--nofast=3"),
        (["run", "--size=3"], "unexpected 'run'"),
        (["--fast", "false"], "unexpected 'false'"),
        (["--", "run"], "unexpected 'run'"),
        (["--flagfile=none.flags"], "no such file; shipped with vladser: demo.flags"),
        (["--flagfile"], "no such file"),
        (["--flagfile=."], "directory"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(argv, said, capsys):
    assert run(*argv, main=pytest.fail) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    assert err.startswith("error: ") and said in err


def test_input_error_of_main_is_status_1(capsys):
    def main(settings):
        raise InputError("speech.wav: 0 samples")

    assert run(main=main) == 1
    assert capsys.readouterr().err == "error: speech.wav: 0 samples\n"


def test_words_reach_a_program_that_takes_them_wherever_they_stand(capsys):
    def read(values, *words):
        return values.size, words

    def run(argv, positional):
        return cli.run(seen.append, define, read, "Sizes.", argv, positional)

    seen, argv = [], ["a", "--size=5", "b", "--", "--c"]
    assert run(argv, "RUN") == 0
    assert seen == [(5, ("a", "b", "--c"))]
    assert run(argv, None) == run(["--size=5"], "RUN") == 2
    stray, missing = capsys.readouterr().err.splitlines()
    assert "unexpected 'a'" in stray and "RUN is missing" in missing


def test_interrupt_is_one_line_and_status_130(capsys):
    def main(settings):
        raise KeyboardInterrupt

    assert run(main=main) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("bug", [ZeroDivisionError, ValueError, BrokenPipeError])
def test_a_bug_keeps_its_traceback(bug):
    def main(settings):
        raise bug

    with pytest.raises(bug):
        run(main=main)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_without_room_is_one_line(unbuffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "--help"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    said = "error: standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_left_is_no_traceback(unbuffered):
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"],
        cwd=ROOT,
        stdout=write_end,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_process_exits_with_the_status():
    done = subprocess.run([sys.executable, "-c", SCRIPT, "--sise=1"], cwd=ROOT)
    assert done.returncode == 2


def test_a_flagfile_stands_for_its_lines(tmp_path):
    file = write(
        tmp_path / "a.flags",
        "# why",
        "",
        "--size=7",
        "  // too",
        "--name=a b",
        "--fast",
    )
    assert parse(file) == (7, "a b", True, str(tmp_path / "a.flags"))
    assert parse("--flagfile", "a.flags") == parse(file)


def test_the_later_of_flag_and_flagfile_wins(tmp_path):
    file = write(tmp_path / "a.flags", "--size=7")
    assert parse(file, "--size=1")[0] == 1
    assert parse("--size=1", file)[0] == 7


def test_flagfiles_nest_from_the_working_directory(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "base.flags", "--size=7", "--name=base")
    file = write(tmp_path / "sub" / "a.flags", "--flagfile=base.flags", "--name=a")
    assert parse(file) == (7, "a", False, str(tmp_path / "sub" / "a.flags"))


def test_a_flagfile_may_be_included_twice_but_not_by_itself(tmp_path):
    write(tmp_path / "base.flags", "--size=7")
    assert parse(write(tmp_path / "a.flags", *2 * ["--flagfile=base.flags"]))[0] == 7
    write(tmp_path / "base.flags", "--flagfile=./a.flags")
    with pytest.raises(cli.UsageError, match="includes itself"):
        parse("--flagfile=a.flags")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('--name="a b"', "a b"),
        ("--name='a b'", "a b"),
        ("--name=it's", "it's"),
        ('--name="', '"'),
        ("--name=f(x='y')", "f(x='y')"),
    ],
)
def test_quotes_around_a_whole_value_are_taken_off(tmp_path, line, name):
    assert parse(write(tmp_path / "a.flags", line))[1] == name


@pytest.mark.parametrize("line", ["size=3", "--size 3", '"--size=3"'])
def test_a_malformed_line_is_named(tmp_path, line):
    with pytest.raises(cli.UsageError, match=r"a\.flags:2: .* should be --flag=value"):
        parse(write(tmp_path / "a.flags", "--fast", line))


def test_binary_flagfiles_are_refused_and_a_byte_order_mark_is_not(tmp_path):
    (tmp_path / "a.flags").write_bytes(b"\xef\xbb\xbf--size=7\r\n")
    assert parse("--flagfile=a.flags")[0] == 7
    (tmp_path / "a.flags").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(cli.UsageError, match="UTF-8"):
        parse("--flagfile=a.flags")


@pytest.mark.parametrize("name", ["demo.flags", "launch/flagfiles/demo.flags"])
def test_shipped_flagfiles_are_found_from_anywhere(name):
    first, *_ = flagfiles.expand([f"--flagfile={name}"])
    assert first == f"--flagfile={flagfiles.FOLDER / 'demo.flags'}"


def test_a_file_here_goes_before_a_shipped_one(tmp_path):
    write(tmp_path / "demo.flags", "--size=7")
    assert parse("--flagfile=demo.flags")[0] == 7
