"""How a place of the history travels while it is dragged: its number for us, its picture for other programs."""

from __future__ import annotations

import json
import os

from PySide6.QtCore import QByteArray, QMimeData
from PySide6.QtGui import QImage

MIME = "application/x-latent-explorer-place"


def data_of(place_id: int, picture: QImage | None = None) -> QMimeData:
    """Return what a drag of a place carries."""
    data = QMimeData()
    text = json.dumps({"process": os.getpid(), "place": place_id})
    data.setData(MIME, QByteArray(text.encode()))
    if picture is not None:
        data.setImageData(picture)
    return data


def place_in(data: QMimeData) -> int | None:
    """Return the id of the place that is carried; None for anything else, and for another window's place."""
    if not data.hasFormat(MIME):
        return None
    try:
        carried = json.loads(bytes(data.data(MIME).data()))
        is_ours, place = carried["process"] == os.getpid(), carried["place"]
    except (ValueError, KeyError, TypeError):
        return None
    return place if is_ours and isinstance(place, int) else None
