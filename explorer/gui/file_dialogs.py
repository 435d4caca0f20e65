"""Asking a person for a file: the system's own dialogs, which begin in the folder that was used last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.gui import settings

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def openable(kinds: Sequence[str] = ("Checkpoints", "sessions", "pictures")) -> str:
    """Return the filter of a dialog for what the window opens: by usual names, or any name at all."""
    from explorer.formats.finding import SUFFIXES

    suffixes = {"Checkpoints": SUFFIXES, "sessions": (".session.json",), "pictures": _PICTURES}
    patterns = " ".join(f"*{suffix}" for kind in kinds for suffix in suffixes[kind])
    return f"{', '.join(kinds)} ({patterns});;All files (*)"


def ask_open(parent: QWidget, title: str, kinds: str = "") -> str:
    """Return a file that a person chose, or an empty text."""
    path, _ = QFileDialog.getOpenFileName(parent, title, last_folder(), kinds)
    _remember(path)
    return path


def ask_folder(parent: QWidget, title: str) -> str:
    """Return a folder that a person chose, or an empty text."""
    path = QFileDialog.getExistingDirectory(parent, title, last_folder())
    _remember(path)
    return path


def ask_save(parent: QWidget, title: str, name: str, kinds: str, suffix: str = "") -> str:
    """Return where a person wants a file that is called `name` unless they say otherwise, or an empty text.

    A name without a suffix gets `suffix`, or that of `name`, before it is asked whether an older file shall go.
    """
    dialog = QFileDialog(parent, title, last_folder(), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix or Path(name).suffix)
    dialog.selectFile(name)
    path = dialog.selectedFiles()[0] if dialog.exec() else ""
    dialog.deleteLater()
    _remember(path)
    return path


def last_folder() -> str:
    """Return the folder that was used last, else the home folder."""
    folder = settings.load().last_folder
    return folder if folder and Path(folder).is_dir() else str(Path.home())


def _remember(path: str) -> None:
    if path:
        settings.save(last_folder=str(Path(path).parent))
