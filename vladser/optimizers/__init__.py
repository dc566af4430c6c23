"""Optimizers: how a gradient changes the parameters. One a file.

To add one, add a file here with a factory function of the same name, whose keyword-only
arguments are the options, and its name below. See `types.Optimizer` for the contract.
"""

NAMES = ("adadelta", "adam", "rmsprop", "sgd")
