"""Numbers and durations in words."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Returns a number of things in words, such as "1 image" or "20 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def describe_seconds(seconds: float) -> str:
    """Returns a duration in words, such as "40 s" or "12 min"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
