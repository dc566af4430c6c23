"""The programs."""

import time

# All that a program does comes later, the import of its own modules included.
STARTED = time.perf_counter()
