"""The programs."""

import os
import sys

# `python -m` searches the working directory first, where a file of the user's, such as
# queue.py, would hide a module of Python or of a library. It is to be searched last.
_ours = f"{sys.path[0]}/launch" in __path__
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and not _ours:
    sys.path.append(sys.path.pop(0))
    os.environ["PYTHONSAFEPATH"] = "1"  # in workers, too
