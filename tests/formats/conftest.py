"""Reading checkpoint files without a child process, where the child is not what is tested."""

import pytest
from checkpoints_read import InProcess

from explorer.formats import isolated


@pytest.fixture
def in_process(monkeypatch):
    """Read checkpoint files in this process."""
    monkeypatch.setattr(isolated, "start", InProcess)
