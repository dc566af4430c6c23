"""The benchmark in words: Markdown tables, ready for a document."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from launch.experiment import run_dir


def machine() -> dict[str, Any]:
    """What the figures depend on: versions, devices, and the host's processor."""
    found = run_dir.environment()
    try:
        found["packages"]["torch"] = metadata.version("torch")
    except metadata.PackageNotFoundError:
        found["packages"]["torch"] = None
    found["host"]["processor"] = _processor()
    found["host"]["cores"] = os.cpu_count()
    return found


def contest(result: Mapping[str, Any]) -> str:
    """The contestants of one workload."""
    peak = result["roofline"]
    lines = [
        f"{result['name']}: {result['utterances']:,} utterances, {result['frames']:,} "
        f"frames (median {result['median_length']:g}, longest {result['longest']:,}; "
        f"{result['feature_set']}), {result['trainings']} trainings",
        f"roofline: sgemm {peak['sgemm_flops_per_second'] / 1e9:,.0f} GFLOP/s, copy "
        f"{peak['copy_bytes_per_second'] / 1e9:,.1f} GB/s; a real frame needs "
        f"{peak['flops_per_frame']:,} FLOP and {peak['bytes_per_frame']:,} bytes",
        "",
    ]
    header = (
        "contestant",
        "real frames/s",
        "low-high",
        "ours is faster by",
        "low-high",
        "padding efficiency",
        "GFLOP/s",
        "% of sgemm",
        "compile s",
        "disagreement",
    )
    rows = [_row(entry, result["agreement"]) for entry in result["contestants"]]
    notes = [f"- {e['name']}: {e['about']}" for e in result["contestants"]]
    notes += [f"- left out: {n}, {reason}" for n, reason in result["left_out"].items()]
    return "\n".join([*lines, *_table(header, rows), "", *notes])


def curve(over: str, points: Sequence[Mapping[str, Any]]) -> str:
    """The speed of each contestant over one variable."""
    names = [entry["name"] for entry in points[0]["contestants"]]
    header = [over]
    for name in names:
        header += [f"{name}, frames/s", "low-high", "% of sgemm", "padding efficiency"]
    rows = []
    for point in points:
        row = [f"{point['x']:,}"]
        for entry in point["contestants"]:
            row += _rate(entry)
            row.append(f"{100 * entry['share_of_sgemm']:.1f}")
            row.append(f"{entry['padding_efficiency']:.3f}")
        rows.append(row)
    return "\n".join(_table(header, rows))


def beside_opensmile(what: str, result: Mapping[str, Any]) -> str:
    """Feature extraction, or a command that extracts, beside openSMILE alone."""
    rows = [
        (
            name.replace("_", " "),
            *(f"{value[k]:.3f}" for k in ("median", "low", "high")),
        )
        for name, value in result.items()
        if isinstance(value, dict)
    ]
    title = f"{what}: {result['files']} files, {result['workers']} processes"
    return "\n".join([title, "", *_table(("", "median", "low", "high"), rows)])


def streaming(result: Mapping[str, Any]) -> str:
    """How a stream is followed: two times in milliseconds, and the speed."""
    tables = []
    for name in ("compute_seconds", "delay_seconds"):
        found = result[name]
        row = [
            name.removesuffix("_seconds"),
            *(f"{1e3 * s:.1f}" for s in found.values()),
        ]
        tables += [*_table(("ms", *found), [row]), ""]
    factor = result["real_time_factor"]
    last = "real-time factor", *(f"{value:.4f}" for value in factor.values())
    title = f"streaming: {result['audio_seconds']:.0f} s of speech"
    return "\n".join([title, "", *tables, *_table(("", *factor), [last])])


def _row(entry: Mapping[str, Any], errors: Mapping[str, float]) -> tuple[str, ...]:
    ahead, error = entry["ours_is_faster_by"], errors.get(entry["name"])
    return (
        entry["name"],
        *_rate(entry),
        f"{ahead['median']:.2f}",
        f"{ahead['low']:.2f}-{ahead['high']:.2f}",
        f"{entry['padding_efficiency']:.3f}",
        f"{entry['needed_flops_per_second'] / 1e9:,.0f}",
        f"{100 * entry['share_of_sgemm']:.1f}",
        f"{entry['compile_seconds']:.1f}",
        "" if error is None else f"{error:.0e}",
    )


def _rate(entry: Mapping[str, Any]) -> tuple[str, str]:
    rate = {k: f"{v / 1000:,.0f} k" for k, v in entry["real_frames_per_second"].items()}
    return rate["median"], f"{rate['low']}-{rate['high']}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()
