"""Fixtures that every test may use, and the guards that every test passes: see guards.py."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import fakes
import guards
import pytest

from explorer.render import devices

pytest_plugins = ["calls", "doctored"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_LONGEST = (
    "test_fuzz.py",
    "test_wild.py",
    "test_hostile.py",
    "test_end_to_end.py",
    "test_judging.py",
    "test_compare.py",
)
"""Files whose tests begin first, so that no process is left with one of them when the others are done."""

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("EXPLORER_REFERENCE_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder} (set EXPLORER_REFERENCE_DATA)")
    return folder


@pytest.fixture
def tiny_model():
    """A 4-D VAE of 8x8 grey pictures with fixed random weights."""
    return fakes.tiny_vae()


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test, and the processes it starts, empty settings and user folders of its own."""
    folder = tmp_path_factory.mktemp("settings")
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(folder / variable.lower()))
    core = sys.modules.get("PySide6.QtCore")
    if core is not None:
        for form in (core.QSettings.Format.NativeFormat, core.QSettings.Format.IniFormat):
            core.QSettings.setPath(form, core.QSettings.Scope.UserScope, str(folder))
    return folder


@pytest.fixture(autouse=True)
def not_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let decode threads take their share, for the other tests that run meanwhile do not give way to them."""
    monkeypatch.setattr(devices, "NICE", 0)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, timer or window, or that logs a warning without using `caplog`."""
    yield from guards.watch(may_log="caplog" in request.fixturenames)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs a real X window where there is none."""
    if item.get_closest_marker("x11") and os.environ["QT_QPA_PLATFORM"] != "xcb":
        pytest.skip("needs a real X window: scripts/xvfb.sh python -m pytest -m x11")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order of their list."""
    places = {name: at for at, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
