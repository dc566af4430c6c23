"""A believable run directory that no training has filled: paper.flags in figures."""

import hashlib
import json
from itertools import product

import numpy as np

EMOTIONS = ("angry", "happy", "sad", "neutral")
SPEAKERS = tuple(f"{number:02d}" for number in range(3, 13))
SEEDS = (0, 1, 2)
CLUSTERED = tuple(f"netvlad(clusters={k})" for k in (1, 2, 3, 4, 5, 6, 8, 16))
SMOOTHED = [
    (prior, alpha)
    for prior, alpha in product(("uniform", "unigram"), (0.05, 0.1, 0.2, 0.3, 0.4, 0.5))
]
PAPER = (
    *((pooling, "none", 0.0) for pooling in ("final", "maximum", "mean", "weighted")),
    *((pooling, "none", 0.0) for pooling in CLUSTERED),
    *(("mean", *smoothing) for smoothing in SMOOTHED),
    ("netvlad(clusters=4)", "unigram", 0.2),
)
FINDINGS = (
    ("speakers", "ok", 0, "no speaker is in both the training and the test of a fold"),
    ("texts", "warning", 339, "10 of 10 folds: sentences of the test are trained on"),
    ("scaler", "ok", 0, "the scaler of 10 folds saw no test speaker"),
)
FLAGS = """--corpus=emodb
--data_dir=/data/emo db
--grid=aggregator=final,maximum,mean,weighted,netvlad(clusters=4); smoothing=none
--seeds=3
--epochs=20
--hold_out=speaker
--validation=none
--standardize=train
"""


def name(pooling, smoothing, alpha):
    return f"{pooling}, " + (
        "no smoothing" if smoothing == "none" else f"{smoothing} {alpha:g}"
    )


def write(folder, conditions=PAPER, corpus="emodb", speakers=SPEAKERS, seeds=SEEDS):
    """Fills `folder`; the figures follow from the arguments alone.

    Args:
      conditions: (aggregator, smoothing, alpha) each.

    Returns:
      What summary.json holds.
    """
    draw = np.random.default_rng(len(conditions) + len(speakers) + len(corpus))
    skill = draw.normal(0.78, 0.07, len(speakers))
    ua = {}
    for condition in conditions:
        shift = 0.02 * draw.normal(size=skill.shape) - 0.12 * (condition[0] == "final")
        ua[condition] = np.clip(skill + shift, 0.2, 1)
    summary = {
        "format": 1,
        "corpus": corpus,
        "test_corpus": None,
        "emotions": list(EMOTIONS),
        "conditions": [
            _condition(one, values, speakers, seeds, draw) for one, values in ua.items()
        ],
        "comparisons": list(_families(ua)),
        "skipped": [],
        "failed": [],
        "training": {"real_frames_per_second": 391_000, "train_seconds": 612.4},
    }
    dataset = {
        "corpus": corpus,
        "utterances": 34 * len(speakers),
        "frames": 9000 * len(speakers),
        "feature_set": "vladser147-1b26c8b4/opensmile-2.6.0",
        "digest": "0915a894f3cf9a17" * 4,
    }
    environment = {
        "vladser": "0.1.0",
        "python": "3.11.7",
        "packages": {"jax": "0.10.2", "numpy": "2.4.6"},
        "host": {"name": "vm", "system": "Linux-6.18-x86_64"},
        "devices": ["cpu: cpu", "cpu: cpu"],
    }
    keys = "check", "level", "count", "text"
    findings = [dict(zip(keys, finding, strict=True)) for finding in FINDINGS]
    folder.mkdir(parents=True, exist_ok=True)
    _json(folder / "dataset.json", dataset)
    _json(folder / "environment.json", environment)
    _json(folder / "audit.json", {"format": 1, "findings": findings})
    (folder / "flags.txt").write_text(FLAGS, encoding="utf-8")
    _lines(folder / "metrics.jsonl", _metrics(conditions, speakers, seeds))
    _lines(folder / "clusters.jsonl", _clusters(conditions, speakers, seeds, draw))
    _json(folder / "summary.json", summary)
    seal(folder)
    return summary


def dump(path, value):
    """Replaces a JSON file of a run."""
    _json(path, value)
    seal(path.parent)


def seal(folder):
    """SHA256SUMS, as `sha256sum` of GNU writes it; after every change to the files."""
    lines = (
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(("report.", "SHA256SUMS", "."))
    )
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _json(path, value):
    text = json.dumps(value, indent=2, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def _lines(path, values):
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    path.write_text("".join(lines), encoding="utf-8")


def _condition(condition, ua, speakers, seeds, draw):
    """Other settings are missing: they are as in the paper."""
    pooling, smoothing, alpha = condition
    mean = ua.mean()
    confusion = np.diag(mean * np.full(4, 100.0)) + draw.uniform(0, 10, (4, 4))
    tested = [{"utterances": 34, "ua": value} for value in ua]
    return {
        "name": name(*condition),
        "aggregator": pooling,
        "smoothing": smoothing,
        "alpha": alpha,
        "seeds": list(seeds),
        "ua": {
            "mean_of_folds": mean,
            "mean_of_speakers": mean,
            "std_over_seeds": 0.0123 if len(seeds) > 1 else None,
            "pooled": mean - 0.004,
            "interval": [mean - 0.051, mean + 0.049] if len(speakers) > 1 else None,
        },
        "wa": {"mean_of_folds": mean + 0.011, "pooled": mean + 0.013},
        "metrics": {"macro_f1": {"mean_of_folds": mean - 0.02, "pooled": mean - 0.01}},
        "confusion": confusion.tolist(),
        "folds": [
            {"held_out": one, **of} for one, of in zip(speakers, tested, strict=True)
        ],
        "speakers": [
            {"speaker": one, **of} for one, of in zip(speakers, tested, strict=True)
        ],
    }


def _families(ua):
    plain = {one: one[0] for one in ua if one[1] == "none"}
    vlad, mean = ("netvlad(clusters=4)", "none", 0.0), ("mean", "none", 0.0)
    best = ("mean", "unigram", 0.2)
    proposed = ("netvlad(clusters=4)", "unigram", 0.2)
    tables = {
        "Table 1": (vlad, [one for one in plain if "=" not in one[0]]),
        "Figure 3": (vlad, [one for one in plain if "=" in one[0] and one != vlad]),
        "Figure 5": (mean, [("mean", *smoothing) for smoothing in SMOOTHED]),
        "Figure 6": (best, [("mean", "uniform", 0.2)]),
        "Table 2": (proposed, [vlad, best, mean]),
    }
    for family, (reference, members) in tables.items():
        members = [one for one in members if one in ua]
        if reference in ua and members:
            yield _family(family, reference, members, ua)


def _family(family, reference, members, ua):
    speakers, count = len(ua[reference]), len(members)
    differences = []
    for member in members:
        difference = (ua[member] - ua[reference]).mean()
        p = 0.0020 if abs(difference) > 0.05 else 0.3711
        differences.append(
            {
                "condition": name(*member),
                "difference": difference,
                "interval": [difference - 0.017, difference + 0.019],
                "p": p,
                "p_holm": min(1.0, p * count),
            }
        )
    return {
        "family": family,
        "reference": name(*reference),
        "speakers": speakers,
        "least_p": min(1.0, count * 2.0 ** (1 - speakers)),
        "differences": differences,
    }


def _metrics(conditions, speakers, seeds, epochs=20):
    for (c, one), seed, (f, fold) in product(
        enumerate(conditions), seeds, enumerate(speakers)
    ):
        for epoch in range(1, epochs + 1):
            yield {
                "condition": name(*one),
                "seed": seed,
                "fold": fold,
                "epoch": epoch,
                "loss": (1.386 + 0.02 * f + 0.01 * seed) / (1 + 0.01 * c) / epoch**0.5,
            }


def _clusters(conditions, speakers, seeds, draw):
    for one, seed, fold in product(conditions, seeds, speakers):
        if not one[0].startswith("netvlad"):
            continue
        k = int(one[0].partition("=")[2].rstrip(")"))
        shares = draw.dirichlet(np.full(k, 2.0), (4, 10)).swapaxes(1, 2)
        yield {
            "condition": name(*one),
            "seed": seed,
            "fold": fold,
            "utterances": [12, 7, 6, 9],
            "adjusted_rand": 0.08 + 0.02 * draw.normal() if k > 1 else 0.0,
            "untrained_rand": 0.05 + 0.02 * draw.normal() if k > 1 else 0.0,
            "assignment": shares.round(4).tolist(),
        }
