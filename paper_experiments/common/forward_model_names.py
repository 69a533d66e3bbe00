"""What is called how, in tables and files of `unseen_operators.py`."""

OBSERVATION, PLUG_AND_PLAY = "observation", "PnP"
CLASSICS = ("Wiener", "biharmonic", "TV")
ANY, DENOISER = "RIM-any", "RIM-denoise"
# Of the 100 test images.
TEST_SET, TEST_IDS = "5", ["101085", "148026", "21077", "299086", "45096"]


def column(row: str, t: int) -> str:
    """Returns what the estimate of a RIM is called."""
    return f"{row}, t = {t}"


def auto(row: str) -> str:
    """Returns what the estimate of a RIM is called where "auto" stops."""
    return f"{row}, auto"


def auto_steps(row: str) -> str:
    """Returns what the number of its steps is called."""
    return f"{row}, steps of auto"
