"""The menu of what was opened lately: read when it is opened, files that are gone are grey."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from explorer.formats import recent

SHOWN = 12
NUMBERED = 9
FOLDER_LENGTH = 48


class RecentMenu(QMenu):
    """Asks by a signal for the file that was chosen."""

    chosen = Signal(str)  # path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Open &recent", parent)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)
        self._say_empty()  # Qt opens a menu without an entry as an empty box, before it is filled

    def fill(self) -> None:
        """Read the list anew."""
        self.clear()
        found = recent.entries()[:SHOWN]
        for number, entry in enumerate(found, 1):
            self._add(number, entry)
        if not found:
            self._say_empty()
            return
        self.addSeparator()
        clear = QAction("&Clear list", self)
        clear.setToolTip("Forget what was opened; no file is touched")
        clear.triggered.connect(self._on_clear)
        self.addAction(clear)

    def _say_empty(self) -> None:
        self.addAction("Nothing was opened yet").setEnabled(False)

    def _add(self, number: int, entry: recent.Recent) -> None:
        key = f"&{number}  " if number <= NUMBERED else ""
        name = entry.name.replace("&", "&&")
        action = QAction(f"{key}{name}\t{_folder(entry.path).replace('&', '&&')}", self)
        is_there = entry.path.exists()
        action.setToolTip(str(entry.path) if is_there else f"{entry.path} is not there any more")
        action.setEnabled(is_there)
        action.setData(str(entry.path))
        action.triggered.connect(partial(self._on_chosen, str(entry.path)))
        self.addAction(action)

    def _on_chosen(self, path: str, _checked: bool = False) -> None:
        self.chosen.emit(path)

    def _on_clear(self) -> None:
        recent.clear()


def _folder(path: Path) -> str:
    """Return where a file lies, from the home folder on, with the middle left out where it is long."""
    folder = path.parent
    if folder.is_relative_to(Path.home()):
        folder = Path("~") / folder.relative_to(Path.home())
    text = str(folder)
    if len(text) <= FOLDER_LENGTH:
        return text
    half = FOLDER_LENGTH // 2
    return f"{text[: half - 1]}…{text[-half:]}"
