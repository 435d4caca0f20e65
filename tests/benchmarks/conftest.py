"""The benchmarks as a module."""

import importlib.util
import sys

import pytest

from explorer import paths


@pytest.fixture
def benchmarks(monkeypatch):
    """The folder loaded by its path, as the command line does it."""
    folder = paths.benchmarks()
    spec = importlib.util.spec_from_file_location(
        "benchmarks_under_test", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.startswith(f"{spec.name}.")]:
        del sys.modules[name]
