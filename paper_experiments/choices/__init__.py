"""Choices of a protocol of measurement, and what each of them costs."""
