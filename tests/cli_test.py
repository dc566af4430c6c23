"""From a command line to a main: flags, flagfiles, help, one-line errors, statuses."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import launching
import pytest

from launch.command_line import cli, fields, flagfiles
from launch.command_line.fields import flag, words
from vladser import __version__
from vladser.errors import InputError
from vladser.options import Natural

REFUSED = "error: the system refuses (--verbose shows what): no\n"
SCRIPT = """
import sys
from launch.command_line import cli, fields
sys.exit(cli.run(print, fields.Settings, "Sizes."))
"""


@dataclass(frozen=True)
class Sizes(fields.Settings):
    """Some settings.

    Attributes:
      size: how large.
      name: how it is called, or
        what it is.
    """

    size: Natural = flag("Data", 3)
    name: str = flag("Data", "x")
    fast: bool = flag("Speed", "false", text="or slow.")

    def checked(self):
        if self.size == 13:
            raise InputError("--size=13: should not be 13")
        return self


@dataclass(frozen=True)
class Runs(Sizes):
    """Some settings, and words."""

    runs: tuple[str, ...] = words("RUN")
    to: str = flag("Output", text="where to go.", required=True)


def parse(*argv, settings=Sizes):
    return cli.parse(settings, argv)


def run(*argv, main=lambda settings: None):
    return cli.run(main, Sizes, "Measures sizes.\n\nIn metres.", argv)


def raises(error):
    def main(settings):
        raise error

    return main


def write(path, *lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"--flagfile={path}"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_help_shows_usage_and_own_flags_by_group_with_defaults(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"vladser {__version__}\n"
    assert run("--sise=1", "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith("Measures sizes.\n\nIn metres.\n\nData:\n  --size ")
    assert "How large. (default: 3)" in out
    assert "How it is called, or what it is. (default: x)" in out
    order = "Data:", "--name", "Speed:", "--fast", "General:", "--flagfile"
    assert sorted(order, key=out.index) == [*order]
    assert "--logtostderr" not in out and "--undefok" not in out
    assert max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--sise=3"], "unknown flag --sise: did you mean --size?"),
        (["--versoin"], "unknown flag --versoin: did you mean --version?"),
        (["--qqq"], "unknown flag --qqq: --help lists all flags"),
        (["--size=x"], "--size=x: expected a whole number of at least 0, got 'x'"),
        (["--size=13"], "--size=13: should not be 13"),
        (["--size"], "--size"),
        (["--nofast=3"], "--nofast=3"),
        (["run", "--size=3"], "unexpected 'run'"),
        (["--flagfile=none.flags"], "no such file; shipped with vladser: demo.flags"),
        (["--flagfile=."], "directory"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(argv, said, capsys):
    assert run(*argv, main=pytest.fail) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    assert err.startswith("error: ") and said in err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InputError("speech.wav: 0\nsamples"), 1, "error: speech.wav: 0 samples\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(28, "No space", "a.wav"), 1, "error: a.wav: No space\n"),
        *((OSError(n, "no"), 1, REFUSED) for n in (11, 24, 30, 38)),
    ],
)
def test_an_error_of_main_and_an_interrupt_are_one_line(error, status, said, capsys):
    assert run(main=raises(error)) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("bug", [ZeroDivisionError, ValueError, BrokenPipeError])
def test_a_bug_keeps_its_traceback(bug):
    with pytest.raises(bug):
        run(main=raises(bug))


def test_flags_and_words_reach_the_program_and_what_is_missing_is_said():
    argv = "a", "--to", "x y", "b", "--fast", "--", "--c"
    settings = parse(*argv, settings=Runs)
    assert settings == Runs(None, False, 3, "x", True, ("a", "b", "--c"), "x y")
    with pytest.raises(cli.UsageError, match="--to is required: where to go"):
        parse("a", settings=Runs)
    for missing in [], [""]:
        with pytest.raises(cli.UsageError, match="RUN is missing"):
            parse("--to=x", *missing, settings=Runs)


def script(stdout, unbuffered):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"],
        cwd=launching.ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_without_room_is_one_line_and_without_a_reader_none(unbuffered):
    said = "error: standard output cannot be written: No space left on device\n"
    with Path("/dev/full").open("w") as full:
        assert script(full, unbuffered) == (1, said)
    read_end, write_end = os.pipe()
    os.close(read_end)
    assert script(write_end, unbuffered) == (1, "")
    os.close(write_end)


def test_a_flagfile_stands_for_its_lines_and_the_later_of_two_flags_wins(tmp_path):
    lines = "\ufeff# why", "", "--size=7", "  // too", "--name=a b", "--fast"
    file = write(tmp_path / "a.flags", *lines)
    settings = parse(file)
    assert (settings.size, settings.name, settings.fast) == (7, "a b", True)
    assert settings.flagfile == tmp_path / "a.flags"
    assert parse("--flagfile", "a.flags") == settings
    assert parse(file, "--size=1").size == 1
    assert parse("--size=1", file).size == 7


def test_flagfiles_nest_from_the_working_directory(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "base.flags", "--size=7", "--name=base")
    file = tmp_path / "sub" / "a.flags"
    settings = parse(write(file, *2 * ["--flagfile=base.flags"], "--name=a"))
    assert (settings.size, settings.name, settings.flagfile) == (7, "a", file)
    write(tmp_path / "base.flags", f"--flagfile={file}")
    with pytest.raises(cli.UsageError, match="includes itself"):
        parse("--flagfile=base.flags")


@pytest.mark.parametrize(
    ("value", "name"),
    [('"a b"', "a b"), ("'a b'", "a b"), ("it's", "it's"), ('"', '"'), ("f('y')",) * 2],
)
def test_quotes_around_a_whole_value_are_taken_off(tmp_path, value, name):
    assert parse(write(tmp_path / "a.flags", f"--name={value}")).name == name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"--fast\nsize=3", "a.flags:2: expected --flag=value"),
        (b"--fast\n--size 3", "a.flags:2: expected --flag=value"),
        (b"\xff\xfe\x00", "utf-16"),
        (b"--name=a --size=3", "a.flags:1: expected one --flag=value"),
        (b"--name=a \\\n--size=3", "a.flags:1: expected one --flag=value"),
        (b"--name='a'\t# why", "a.flags:1: expected one --flag=value"),
    ],
)
def test_a_malformed_line_is_named_and_a_binary_file_refused(tmp_path, content, said):
    (tmp_path / "a.flags").write_bytes(content)
    with pytest.raises(cli.UsageError, match=said):
        parse("--flagfile=a.flags")


@pytest.mark.fault("flags")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["a --size=3", "it's #b", "ä \\", "a\\", "--x", "a#"])
def test_a_written_line_is_read_again_whoever_saved_it(tmp_path, name, encoding):
    line = f"{flagfiles.line('name', name)}\r\n"
    (tmp_path / "a.flags").write_bytes(line.encode(encoding))
    assert parse("--flagfile=a.flags").name == name


@pytest.mark.parametrize("name", ["demo.flags", "launch/flagfiles/demo.flags"])
def test_shipped_flagfiles_are_found_from_anywhere(name, tmp_path):
    first, *_ = flagfiles.expand([f"--flagfile={name}"])
    assert first == f"--flagfile={flagfiles.FOLDER / 'demo.flags'}"
    write(tmp_path / "demo.flags", "--size=7")  # a file here goes first
    assert parse("--flagfile=demo.flags").size == 7
