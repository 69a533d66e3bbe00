"""`rim-restore`: restores image files of your own, with the shipped weights.

A room here and not in `rim_tf`, whose import takes the seconds that TensorFlow takes to
start: so a mistyped flag is found, and `--help` shown, at once.
"""
