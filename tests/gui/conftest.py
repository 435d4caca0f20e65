"""The whole window as a fixture, with its real decode thread and real files."""

import pytest
import real_window

from explorer.gui import app as app_module


@pytest.fixture
def running(qtbot):
    """The app with its window shown and no model."""
    app_module.make_application()
    app = app_module.App("cpu")
    app.window.resize(1280, 800)  # as on a usual screen; that of the tests is smaller
    app.window.show()
    yield app
    real_window.finish(app)


@pytest.fixture
def own_name(qapp):
    """The program's name, without which no settings are kept."""
    qapp.setOrganizationName("latent-explorer")
    yield
    qapp.setOrganizationName("")


@pytest.fixture
def faces(running, qtbot, tmp_path):
    """The app with a tiny model open and its first picture on the canvas."""
    real_window.open_and_wait(qtbot, running, real_window.save(tmp_path / "faces.safetensors"))
    return running
