"""The command line: from words to settings, and the end of a program."""
