"""Writes a trained model as one file that runs without vladser.

    python -m launch.export --model=MODEL --to=stablehlo
    python -m launch.export --model=MODEL --to=onnx --output=emodb.onnx

StableHLO runs wherever jax does, on CPUs, NVIDIA GPUs and TPUs; ONNX runs in
onnxruntime and others, and the extra [onnx] is needed to write it. The file takes the
features of any number of utterances of any length and gives the probabilities and the
utterance-level representation of each. Before it is written, it is compared with the
model.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from launch.command_line import cli, model_flags
from launch.command_line.fields import flag
from launch.command_line.parsers import one_of
from vladser import files
from vladser.errors import InputError


@dataclass(frozen=True)
class Settings(model_flags.Settings):
    """Which model, and the file to write.

    Attributes:
      to: the format: stablehlo or onnx.
      output: the file, which must not exist (default: in the working directory, the
        name of the model's folder and .stablehlo or .onnx).
    """

    to: str = flag("File", None, one_of("stablehlo", "onnx"), required=True)
    output: Path = flag("File")

    def checked(self) -> Self:
        """See `fields.Settings.checked`."""
        settings = super().checked()
        output = self.output or Path(f"{self.model.resolve().name}.{self.to}")
        if output.exists() or not output.parent.is_dir():
            raise InputError(f"--output={output}: expected a new file's name")
        return replace(settings, output=output)


def main(settings: Settings) -> None:
    """Exports the model, checks the result and writes it."""
    # Late because they import jax: wrong flags must be answered at once.
    from launch.command_line import backend

    # Accelerators are not needed here, and may be held by another process; without the
    # limit, the file contains the paths of the source files.
    backend.settle(platforms="cpu", traceback_in_locations_limit=0)

    from vladser.models import export, exported

    logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # shapes it cannot infer
    bundle = settings.load()
    content = {"stablehlo": export.stablehlo, "onnx": export.onnx}[settings.to](bundle)
    checked = exported.check(content, settings.to, bundle)
    files.write_bytes(settings.output, content)
    print(
        f"wrote {settings.output}: {len(content) / 1000:.0f} KB, {checked}\n"
        f"probabilities: {', '.join(bundle.emotions)}; features: {bundle.feature_set}"
    )


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
