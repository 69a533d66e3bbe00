"""One script per table of the paper, and what the scripts share."""
