"""What the library raises when the user, not the code, has to change something."""


class VladserError(Exception):
    """The message is one line; programs print it without a traceback."""


class InputError(VladserError, ValueError):
    """Wrong input: the message names the file or option, the value, and what would be
    right."""


class MemoryShort(InputError):
    """The devices have no memory for some trainings."""


class TrainingError(VladserError, RuntimeError):
    """A training that cannot go on: the message names the trial."""
