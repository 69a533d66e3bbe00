"""One script per table of the paper, and what the scripts share."""

import os

# TensorFlow reports at length which devices it did not find. Errors that matter
# come as exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
