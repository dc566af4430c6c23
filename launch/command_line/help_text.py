"""The text of `--help`."""

import inspect
import textwrap

from launch.command_line import fields, flagfiles
from launch.command_line.fields import Flag, Settings

GENERAL = {
    "flagfile": "Reads flags from a file, one --flag=value a line; flags that come "
    "after it on the command line win over it. Shipped with vladser: "
    + ", ".join(file.name for file in flagfiles.shipped()),
    "help": "Shows this.",
    "version": "Shows the version of vladser.",
}


def of(settings: type[Settings], usage: str) -> str:
    """Returns the help of a program, its flags by group.

    Args:
      settings: their fields are the flags.
      usage: comes first, usually the docstring of the program.
    """
    groups: dict[str, list[str]] = {}
    for name, flag in fields.declared(settings):
        if flag.group != "General":
            groups.setdefault(flag.group, []).append(_entry(name, _described(flag)))
    groups["General"] = [_entry(*item) for item in GENERAL.items()]
    lines = [inspect.cleandoc(usage)]
    for group, entries in groups.items():
        lines += ["", f"{group}:", *entries]
    return "\n".join(lines)


def _described(flag: Flag) -> str:
    text = flag.text[:1].upper() + flag.text[1:]
    default = "" if flag.default is None else f" (default: {flag.default})"
    return text + " Required." * flag.required + default


def _entry(name: str, text: str) -> str:
    return textwrap.fill(
        text,
        width=88,
        initial_indent=f"  --{name}".ljust(24),
        subsequent_indent=" " * 24,
        break_on_hyphens=False,
    )
