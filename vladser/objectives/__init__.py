"""Objectives: what training minimizes. One a file, see `registry`."""

NAMES = ("cross_entropy", "triplet")
