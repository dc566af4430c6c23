"""Readouts: from what a network makes of pieces to the class of an utterance. One a
file, see `registry`."""

NAMES = ("elm", "softmax", "svm")
