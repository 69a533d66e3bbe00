"""Data sets: how they are obtained, checked and prepared."""
