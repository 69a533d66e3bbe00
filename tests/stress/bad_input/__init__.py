"""Groups of bad inputs: each function draws a case, and writes its files."""
