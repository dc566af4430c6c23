"""Files that carry a digest of themselves: what is damaged is noticed, never used."""

import hashlib
import json
from pathlib import Path
from typing import Any

from vladser import files


class DamagedError(Exception):
    """The file is not as it was written."""


def write(path: Path, head: dict[str, Any], body: bytes) -> None:
    """Writes a line of JSON and bytes, there whole or not at all.

    Raises:
      InputError: the file cannot be written.
    """
    line = json.dumps(head).encode()
    digest = hashlib.sha256(line + body).hexdigest().encode()
    files.write_bytes(path, b"\n".join([digest, line, body]))


def read(path: Path) -> tuple[dict[str, Any], bytes]:
    """What `write` wrote.

    Raises:
      DamagedError: something else is there.
    """
    try:
        digest, line, body = path.read_bytes().split(b"\n", 2)
    except (OSError, ValueError):
        raise DamagedError(path) from None
    if hashlib.sha256(line + body).hexdigest().encode() != digest:
        raise DamagedError(path)
    return json.loads(line), body
