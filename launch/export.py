"""Writes a trained model as one file that runs without vladser.

    python -m launch.export --model=MODEL --to=stablehlo
    python -m launch.export --model=MODEL --to=onnx --output=emodb.onnx

StableHLO runs wherever jax does, on CPUs, NVIDIA GPUs and TPUs; ONNX in onnxruntime and
others, and needs the extra [onnx] to be written. The file takes the features of any
number of utterances of any length, and gives the probabilities and the utterance-level
representation of each. It is run in a process without vladser first, and compared with
the model.
"""

# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from absl import flags

from launch.command_line import cli, model_flags, parsers
from launch.command_line.model_flags import ModelFlags
from launch.command_line.parsers import flag, one_of, path
from vladser import files
from vladser.errors import InputError
from vladser.models import bundle

FORMS = ("stablehlo", "onnx")


@dataclass(frozen=True)
class Settings(ModelFlags):
    """What the flags say, parsed and checked: a field a flag."""

    to: str = flag("File", None, one_of(*FORMS), f"{' or '.join(FORMS)}. Required.")
    output: Path = flag(
        "File",
        None,
        path,
        "The file, which must not be there (default: in the working directory, the "
        "name of the model's folder and .stablehlo or .onnx).",
    )


def define(values: flags.FlagValues) -> None:
    """Defines the flags of the program on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues) -> Settings:
    """Returns the settings that parsed flags stand for.

    Raises:
      InputError: a flag is missing, there is no such model, or the output is there
        already or has no folder.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    model_flags.describe(given)
    if given["to"] is None:
        raise InputError(f"--to is required: {' or '.join(FORMS)}")
    name = f"{given['model'].resolve().name}.{given['to']}"
    given["output"] = output = given["output"] or Path(name)
    if output.exists():
        raise InputError(f"--output: {output} is there already: name another file")
    if not output.parent.is_dir():
        raise InputError(f"--output: {output.parent} is no folder")
    return Settings(**given)


def main(settings: Settings) -> None:
    """Exports, checks and writes; says what was written."""
    # Late, for they import jax: wrong flags must be answered at once.
    import jax

    # Accelerators are not needed here, and may be held by another process.
    jax.config.update("jax_platforms", "cpu")
    # Else the paths of the source files are a part of what is exported.
    jax.config.update("jax_traceback_in_locations_limit", 0)

    from launch.exporting import check
    from vladser.models import export

    logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # shapes that it leaves out
    one = bundle.load(settings.model, settings.own)
    content = {"stablehlo": export.stablehlo, "onnx": export.onnx}[settings.to](one)
    found = check.run(content, settings.to, one)
    files.write_bytes(settings.output, content)
    print(
        f"wrote {settings.output}: {len(content) / 1000:.0f} KB, worst difference "
        f"{found.worst:.0e} over {found.utterances} utterances in {found.runtime}"
    )
    print(f"probabilities: {', '.join(one.emotions)}; features: {one.feature_set}")


if __name__ == "__main__":
    cli.start(main, define, read, __doc__)
