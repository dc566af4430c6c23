"""Networks on the disk: a folder, or a name on huggingface.co, fetched once."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from vladser import files, libraries
from vladser.errors import InputError

EXTRA = "'vladser[embeddings]'"
_CONFIG = "config.json"
_PROCESSORS = "preprocessor_config.json", "processor_config.json"  # old and new
_WEIGHTS = (  # as transformers prefers them
    re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?"),
    re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin(\.index\.json)?"),
)
_INDEX = ".index.json"  # of weights in several files
_NAME = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?", re.ASCII)
_PATIENCE = 10.0  # seconds for an answer
_SHA256 = re.compile(r"[0-9a-f]{64}")


def find(model: str, revision: str) -> Path:
    """Returns the folder of a network; one that is not on the disk is fetched.

    Args:
      model: a folder, or a name on huggingface.co.
      revision: a branch, tag or commit of a name, "" for the main branch. Where the
        hub's cache has all of it, that is taken as it is.

    Raises:
      InputError: it is not on the disk, and cannot be fetched.
    """
    if here := local(model):
        if revision:
            raise InputError(
                f"revision={revision}: {model} is a folder, which has none"
            )
        return here
    if not _NAME.fullmatch(model):
        raise InputError(f"{model}: no such folder, and no name on huggingface.co")
    hub = libraries.load("huggingface_hub", EXTRA)
    wanted: dict[str, Any] = {"repo_id": model, "revision": revision or None}
    try:
        folder = Path(hub.snapshot_download(**wanted, local_files_only=True))
        if _complete(folder):
            return folder
    except FileNotFoundError:  # nothing of it is there
        pass
    except ValueError as error:
        raise InputError(f"{model}: {_line(error)}") from None
    try:
        info = hub.HfApi().model_info(**wanted, timeout=_PATIENCE)
        weights = _weights(f.rfilename for f in info.siblings)
        names = [_CONFIG, *_PROCESSORS, *weights]
        return Path(
            hub.snapshot_download(
                **wanted, allow_patterns=names, etag_timeout=_PATIENCE
            )
        )
    except Exception as error:  # the libraries below have many
        raise InputError(
            f"{model} is no folder, is not in the cache of the hub, and cannot be "
            f"fetched: {_line(error)}"
        ) from None


def local(model: str) -> Path | None:
    """Returns the folder that a network is named by; None for no folder. Raises
    InputError where it cannot be looked at, or ~ is nobody's."""
    try:
        folder = Path(model).expanduser()
        return folder.absolute() if folder.is_dir() else None
    except (OSError, RuntimeError) as error:
        raise InputError(f"{model:.200}: {_line(error)}") from None


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the settings of a network, and of what prepares signals for it; raises
    InputError where a file is missing or damaged."""
    old, new = (folder / name for name in _PROCESSORS)
    if new.exists() and not old.exists():
        processor = _json(new).get("feature_extractor")
    else:
        processor = _json(old)
    return _json(folder / _CONFIG), processor if isinstance(processor, dict) else {}


def digest(folder: Path) -> str:
    """Returns the SHA-256 of all that decides what a network computes: its settings
    and weights, wherever they lie; raises InputError where there are none."""
    there = {path.name for path in folder.iterdir()}
    weights = _weights(there)
    if not weights:
        raise InputError(f"{folder}: has no weights, model.safetensors")
    whole = hashlib.sha256()
    for name in (_CONFIG, *(n for n in _PROCESSORS if n in there), *weights):
        file = (folder / name).resolve()
        # The hub's cache names large files by their digest.
        known = file.name if _SHA256.fullmatch(file.name) else None
        try:
            status = file.stat()
            one = known or _digest(file, status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise InputError(f"{folder / name}: {error.strerror}") from None
        whole.update(f"{name} {one}\n".encode())
    return whole.hexdigest()


@cache
def _digest(file: Path, size: int, changed: int) -> str:
    return files.digest(file)


def _weights(names: Any) -> list[str]:
    """Returns which of the files are the weights."""
    there = sorted(names)
    kinds = ([n for n in there if kind.fullmatch(n)] for kind in _WEIGHTS)
    return next(filter(None, kinds), [])


def _complete(folder: Path) -> bool:
    """Returns whether all files of a network are there: another program may have
    fetched some, or a fetch may have been interrupted."""
    there = {path.name for path in folder.iterdir()}
    weights = _weights(there)
    needed = {_CONFIG, *weights}
    for name in weights:
        if name.endswith(_INDEX):
            parts = _json(folder / name).get("weight_map")
            needed |= {*parts.values()} if isinstance(parts, dict) else set()
    return bool(weights) and needed <= there and not there.isdisjoint(_PROCESSORS)


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{file}: damaged: expected a JSON object")
    return content


def _line(error: Exception) -> str:
    """Returns the first line of an error."""
    said, *_ = f"{error}".strip().splitlines() or [repr(error)]
    return said.rstrip(" .:")
