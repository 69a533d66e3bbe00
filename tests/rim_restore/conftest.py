"""What tests of `rim-restore` share."""

import pytest

from rim_tf import trajectory


@pytest.fixture(name="shown")
def _shown(monkeypatch):
    """What pages were written of."""
    shown, write = [], trajectory.write
    monkeypatch.setattr(
        trajectory, "write", lambda what, path: shown.append(what) or write(what, path)
    )
    return shown
