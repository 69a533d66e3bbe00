"""`rim-restore`: restores image files of your own, with the shipped weights.

A package beside `rim_tf`, whose import takes the seconds that TensorFlow takes to
start: here a mistyped flag is found, and `--help` shown, at once.
"""
