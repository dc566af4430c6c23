"""Parts of the user's own, checked before an experiment trains them."""

from vladser import own_code, registry, testing
from vladser.errors import InputError, VladserError
from vladser.types import Part


def check(kind: str, part: Part, *sizes: int) -> None:
    """Checks a part of the user's that an experiment is about to train.

    Args:
      kind: one of `registry.ROOMS`.
      part: of that kind.
      *sizes: of what the part takes, see the check of the kind.

    Raises:
      InputError: the part breaks a rule of its contract, or raises an error.
    """
    room, run = registry.ROOMS[kind], getattr(testing, f"check_{kind}")
    try:
        if room.traced:
            run(own_code.load(f"{kind} {part}", part.name), **dict(part.options))
        else:
            run(room.build(part), *sizes)
    except AssertionError as broken:
        reason = broken.__cause__
        if isinstance(reason, VladserError):  # an error in the user's code
            raise reason from broken
        said, *_ = str(broken).splitlines()
        raise InputError(f"{kind} {part} breaks a rule: {said}") from broken
