"""A believable run directory that no training has filled: paper.flags in figures."""

import hashlib
import json
from itertools import product

import numpy as np

from vladser import systems
from vladser.condition import Condition, make, settings
from vladser.evaluation import comparisons

EMOTIONS = ("angry", "happy", "sad", "neutral")
SPEAKERS = tuple(f"{number:02d}" for number in range(3, 13))
SEEDS = (0, 1, 2)
ALPHAS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
PAPER = (
    *((pooling, "none", 0.0) for pooling in ("final", "maximum", "mean", "weighted")),
    *((f"netvlad(clusters={k})", "none", 0.0) for k in (1, 2, 3, 4, 5, 6, 8, 16)),
    *(("mean", *smoothing) for smoothing in product(("uniform", "unigram"), ALPHAS)),
    ("netvlad(clusters=4)", "unigram", 0.2),
)
FINDINGS = (
    ("speakers", "ok", 0, "no speaker is in both the training and the test of a fold"),
    ("texts", "warning", 339, "10 of 10 folds: sentences of the test are trained on"),
    ("scaler", "ok", 0, "the scaler of 10 folds saw no test speaker"),
    ("note", "ok", 0, "wavs left out, not EMO-DB names: 1 (such as a.wav)"),
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


def system(of):
    if isinstance(of, Condition):
        return of
    return make(**dict(zip(("aggregator", "smoothing", "alpha"), of, strict=True)))


def write(folder, conditions=PAPER, corpus="emodb", speakers=SPEAKERS, seeds=SEEDS):
    """Fills `folder`; the figures follow from the arguments alone.

    Args:
      conditions: (aggregator, smoothing, alpha) each, or a Condition.

    Returns:
      What summary.json holds.
    """
    draw = np.random.default_rng(len(conditions) + len(speakers) + len(corpus))
    skill = draw.normal(0.78, 0.07, len(speakers))
    ua = {}
    for condition in conditions:
        poor = system(condition).aggregator.name == "final"
        shift = 0.02 * draw.normal(size=skill.shape) - 0.12 * poor
        ua[system(condition)] = np.clip(skill + shift, 0.2, 1)
    names = dict(zip(ua, systems.names([*ua]), strict=True))
    entries = zip(names.values(), conditions, ua.values(), strict=True)
    families = comparisons.families([*ua])
    summary = {
        "format": 1,
        "corpus": corpus,
        "test_corpus": None,
        "emotions": list(EMOTIONS),
        "conditions": [_condition(*of, speakers, seeds, draw) for of in entries],
        "comparisons": [comparisons.compare(ua, of, names) for of in families],
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
        "packages": {"jax": "0.10.2", "numpy": "2.4.6"},
        "host": {"name": "vm", "system": "Linux-6.18-x86_64"},
        "devices": ["cpu: cpu", "cpu: cpu"],
    }
    keys = "check", "level", "count", "text"
    audit = {"findings": [dict(zip(keys, of, strict=True)) for of in FINDINGS]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flags.txt").write_text(FLAGS, encoding="utf-8")
    _lines(folder / "metrics.jsonl", _metrics(names, speakers, seeds))
    _lines(folder / "clusters.jsonl", _clusters(names, speakers, seeds, draw))
    dump(folder / "dataset.json", dataset)
    dump(folder / "environment.json", environment)
    dump(folder / "audit.json", audit)
    dump(folder / "summary.json", summary)
    return summary


def dump(path, value):
    """Replaces a JSON file of a run."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    seal(path.parent)


def seal(folder):
    """SHA256SUMS, as `sha256sum` of GNU writes it; after every change to the files."""
    lines = (
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(("report.", "SHA256SUMS", "."))
    )
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _lines(path, values):
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    path.write_text("".join(lines), encoding="utf-8")


def _condition(name, condition, ua, speakers, seeds, draw):
    """Other settings are missing: they are as in the paper."""
    if isinstance(condition, Condition):
        given = settings(condition)
    else:
        given = dict(zip(("aggregator", "smoothing", "alpha"), condition, strict=True))
    mean = ua.mean()
    confusion = np.diag(mean * np.full(4, 100.0)) + draw.uniform(0, 10, (4, 4))
    tested = [
        {"held_out": speaker, "speaker": speaker, "utterances": 34, "ua": share}
        for speaker, share in zip(speakers, ua, strict=True)
    ]
    return {
        "name": name,
        **given,
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
        "folds": tested,
        "speakers": [*tested],
    }


def _metrics(names, speakers, seeds, epochs=20):
    for (c, one), seed, (f, fold), epoch in product(
        enumerate(names.values()), seeds, enumerate(speakers), range(1, epochs + 1)
    ):
        loss = (1.386 + 0.02 * f + 0.01 * seed) / (1 + 0.01 * c) / epoch**0.5
        trial = {"condition": one, "seed": seed, "fold": fold}
        yield trial | {"epoch": epoch, "loss": loss}


def _clusters(names, speakers, seeds, draw):
    netvlads = [one for one in names if one.aggregator.name == "netvlad"]
    for one, seed, fold in product(netvlads, seeds, speakers):
        k = dict(one.aggregator.options)["clusters"]
        shares = draw.dirichlet(np.full(k, 2.0), (4, 10)).swapaxes(1, 2)
        yield {
            "condition": names[one],
            "seed": seed,
            "fold": fold,
            "utterances": [12, 7, 6, 9],
            "adjusted_rand": 0.08 + 0.02 * draw.normal() if k > 1 else 0.0,
            "untrained_rand": 0.05 + 0.02 * draw.normal() if k > 1 else 0.0,
            "assignment": shares.round(4).tolist(),
        }
