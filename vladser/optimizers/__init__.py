"""Optimizers: how a gradient changes the parameters. One a file, see `registry`."""

NAMES = ("adadelta", "adam", "rmsprop", "sgd")
