"""Reading checkpoints in this process, and what is expected of every refusal."""

import tempfile
from pathlib import Path

import pytest

from explorer.errors import CheckpointError
from explorer.formats import child, open_checkpoint, taking


class InProcess:
    """Stands in for `isolated.Child`: what the child does and what the parent does, both here."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def result(self, on_progress, should_stop):
        with tempfile.TemporaryDirectory() as folder:
            child.read(self._path, Path(folder))
            return taking.take_over(self._path, Path(folder), on_progress, should_stop)


def refused(path):
    """Return the one finished sentence, naming the file, with which it is refused."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    text = str(caught.value)
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    return text
