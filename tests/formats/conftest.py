"""Reading torch files without a child process, where the child is not what is tested."""

import pytest

from explorer.formats import isolated, torch_file, torch_load


class InProcess:
    """Stands in for `isolated.Child`: the function that the child runs, here."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def result(self, on_progress, should_stop):
        loaded = torch_load.load(self._path)
        return isolated.Handed(loaded.tensors, loaded.modules, loaded.notes)


@pytest.fixture
def in_process(monkeypatch):
    """Read torch files in this process."""
    monkeypatch.setattr(torch_file.isolated, "start", InProcess)
