"""Heads: from utterance-level representations to logits. One a file.

To add one, add a file here with a factory function of the same name, whose keyword-only
arguments are the options, and its name below. See `types.Head` for the contract.
"""

NAMES = ("dense", "linear")
