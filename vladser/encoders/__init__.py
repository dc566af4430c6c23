"""Encoders: from the frames of utterances to one vector a frame. One a file, see
`registry`."""

NAMES = ("bilstm", "gru", "lstm", "none")
