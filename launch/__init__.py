"""The programs."""

import time

# Before everything else, including the imports of a program.
STARTED = time.perf_counter()
