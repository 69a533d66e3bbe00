"""What `benchmark_speed.py` measures: one build alone, or two side by side."""
