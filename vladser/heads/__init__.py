"""Heads: from utterance-level representations to logits. One a file, see `registry`."""

NAMES = ("cosine", "dense", "linear")
