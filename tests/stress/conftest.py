"""What is not Linux has neither these file systems nor these files about processes."""

import sys

collect_ignore_glob = [] if sys.platform == "linux" else ["*_test.py"]
