"""The engine: trains the trials of an experiment, all at once."""
