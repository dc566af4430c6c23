"""Evaluation: what a result is worth."""
