"""What the library raises when the user, not the code, has to change something."""


class InputError(ValueError):
    """Wrong input: the message is one line that names the file or option, the value,
    and what would be right. Programs print it without a traceback."""


class TrainingError(RuntimeError):
    """A training that cannot go on: the message is one line that names the trial."""
