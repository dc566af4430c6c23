"""Encoders: from the frames of utterances to one vector a frame. One a file.

To add one, add a file here with a factory function of the same name, whose keyword-only
arguments are the options, and its name below. See `types.Encoder` for the contract.
"""

NAMES = ("bilstm", "gru", "lstm", "none")
