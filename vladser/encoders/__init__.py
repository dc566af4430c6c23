"""Encoders: from the frames of utterances to one vector a frame. One a file, see
`registry`."""

NAMES = ("bilstm", "convolution", "gru", "lstm", "none")
