"""Pieces: what of an utterance a model is trained on. One a file, see `registry`."""

NAMES = ("first", "loudest", "whole", "windows")
