"""Helpers of the tests that drive the whole window: real files to open, what it shows, files dropped on it."""

import fakes
import numpy as np
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from explorer.models import architecture

WAIT = 20_000  # milliseconds; a slow machine must not fail a test


def save(path, **sizes):
    """Write a real native checkpoint of a tiny VAE."""
    from explorer.formats import save_native

    model = fakes.tiny_vae(**sizes, name=path.stem)
    side, latent_dim = model.image.height, model.spaces["z"].dim
    config = {"height": side, "width": side, "hidden": [32, 16], "latent_dim": latent_dim}
    save_native(path, model, config=config)
    return path


def save_colorizer(path):
    """Write a real colour stage with random weights."""
    import torch

    from explorer.formats import save_native

    family = architecture("conv-colorizer")
    torch.manual_seed(0)
    network = family.network(family.config())
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    save_native(path, family.wrap(network.eval(), family.config(), name=path.stem), config=family.config())
    return path


def open_and_wait(qtbot, app, path):
    with qtbot.waitSignal(app.session.model_changed, timeout=WAIT):
        app.opener.open(str(path))
    qtbot.waitUntil(lambda: app.window.canvas.shown is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not app.jobs.is_running("open"), timeout=WAIT)


def finish(app):
    """Close the window and let Qt free it."""
    app.window.close()
    app.window.deleteLater()
    app.deleteLater()
    QApplication.processEvents()


def shown(app):
    """The picture on the canvas, uint8 (H, W, C)."""
    return app.window.canvas.shown.pictures[0]


def expected(app, code):
    """The picture that the command line's engine makes of a code, uint8 (H, W, C)."""
    from explorer.render.renderer import Renderer, to_uint8

    renderer = Renderer("cpu")
    images = renderer.decode(app.session.model, np.atleast_2d(code), stages=app.session.enabled_stages)
    import torch

    return to_uint8(torch.from_numpy(images))[0]


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def picture_file(path, size=(20, 16)):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path
