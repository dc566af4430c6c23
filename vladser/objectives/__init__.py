"""Objectives: what training minimizes. One a file, see `registry`."""

NAMES = ("angular", "cross_entropy", "triplet", "views")
