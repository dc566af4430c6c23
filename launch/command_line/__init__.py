"""The command line: from arguments to settings, and how a program ends."""

import time

# Before all other imports of a program, which take time. Not in the package above: that
# is another `launch` where one comes first, as in the folders of ROS 2.
STARTED = time.perf_counter()
