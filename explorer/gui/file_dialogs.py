"""Asking a person for a file: the system's own dialogs, which begin in the folder that was used last."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.gui import settings


def ask_open(parent: QWidget, title: str, kinds: str = "") -> str:
    """Return a file that a person chose, or an empty text."""
    path, _ = QFileDialog.getOpenFileName(parent, title, last_folder(), kinds)
    _remember(path)
    return path


def ask_save(parent: QWidget, title: str, name: str, kinds: str) -> str:
    """Return where a person wants a file that is called `name` unless they say otherwise, or an empty text.

    A name without a suffix gets that of `name`.
    """
    path, _ = QFileDialog.getSaveFileName(parent, title, str(Path(last_folder()) / name), kinds)
    _remember(path)
    return path if not path or Path(path).suffix else f"{path}{Path(name).suffix}"


def last_folder() -> str:
    """Return the folder that was used last, else the home folder."""
    folder = settings.load().last_folder
    return folder if folder and Path(folder).is_dir() else str(Path.home())


def _remember(path: str) -> None:
    if path:
        settings.save(last_folder=str(Path(path).parent))
