"""Tests: a file per module of the library, and one per script."""
