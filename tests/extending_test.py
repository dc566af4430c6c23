"""What docs/extending.md shows is run, as it says it."""

import json
import os
import re
import shlex
import subprocess
import sys

import documented
import pytest
from launching import ROOT


def _blocks(language, page, heading):
    text = documented.page(page)
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return documented.blocks(section, language)


def test_poolings_of_ones_own_train_on_the_demo(tmp_path):
    pytest.importorskip("espeakng_loader")
    page = "docs/extending.md"
    (readme,) = _blocks("python", "README.md", "Your own pooling, in 20 lines")
    files = [readme, *_blocks("python", page, "Your own pooling")]
    for code in files:
        (name,) = re.findall(r"\A# (\w+\.py)\n", code)
        (tmp_path / name).write_text(code, encoding="utf-8")
    assert len(readme.split("\n\n\n")[1].splitlines()) <= 20
    (command,) = _blocks("sh", page, "Your own pooling")
    python, *argv = shlex.split(command.replace("\\\n", ""))
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *argv, f"--cache_dir={tmp_path / 'cache'}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "demo"
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    found = {one["aggregator"]: one["ua"] for one in summary["conditions"]}
    own = {"my_pooling.soft_maximum", "my_modules.attention(hidden=8)"}
    assert found.keys() == {"mean", *own}
    report = (run / "report.html").read_text(encoding="utf-8")
    for name in own:
        assert found[name]["mean_of_folds"] > 0.4  # chance is 0.25
        assert name in report
