"""The example of vladser as a library runs."""

import os
import subprocess
import sys

import documented
import pytest
from launching import ROOT


def test_the_example_runs(tmp_path):
    pytest.importorskip("espeakng_loader")
    _, section = documented.page("docs/extending.md").split("## As a library")
    (code,) = documented.blocks(section, "python")
    # The demo instead of EMO-DB (304 of its 371 utterances are of these emotions: the
    # 67 excited are not asked for), and one epoch instead of ten.
    for text, instead in [('"emodb"', '"demo"'), ("epochs=10", "epochs=1")]:
        assert text in code
        code = code.replace(text, instead)
    script = tmp_path / "example.py"
    script.write_text(code)
    run = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.stdout == "(1, 10, 304, 4)\n", run.stderr
