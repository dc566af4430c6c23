"""The command line: from arguments to settings, and how a program ends."""
