"""The menu bar and the menu of Export: which commands stand where. What they do is wired elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from explorer.gui.recent_menu import RecentMenu

EXPORTS = (
    "save_picture",
    "export_strip",
    "export_sheet",
    "export_manifold",
    "export_samples",
    "export_reconstructions",
    "export_map",
)


class Menus:
    """The menus of a window, those that are filled later by name."""

    def __init__(self, actions: Mapping[str, QAction], panels: Sequence[QAction], parent: QWidget) -> None:
        self._actions = actions
        self.bar = QMenuBar(parent)
        self.recent = RecentMenu(parent)
        self.bundled = QMenu("Open &bundled", parent)
        self.device = QMenu("&Device", parent)
        self.appearance = QMenu("&Appearance", parent)
        self.export = QMenu("&Export as", parent)
        self._fill(self.export, "export", None, *EXPORTS)
        self._build(panels)

    def _build(self, panels: Sequence[QAction]) -> None:
        opening = ("open", "open_folder", self.recent, self.bundled, "start_page", "add_stage")
        looking = ("doctor", "program_text")
        session = ("save_session", "save_session_as", "reopen_session")
        self._add("&File", *opening, *looking, None, *session, None, self.export, None, "quit")
        self._add("&Edit", "undo", "redo", None, "copy")
        picture = ("compare", "smooth", "zoom_in", "zoom_out", "fit", None, "thumbnails", "background")
        way = ("restore_layout", None, "next_panel", "previous_panel")
        epochs = ("epoch_before", "epoch_after", "play_epochs")
        self._add("&View", *picture, None, *epochs, None, *panels, *way, None, self.appearance)
        places = ("star_place", "name_place", "place_before", "place_after")
        ends = ("set_a", "set_b", "play", None, "forget_original")
        encoding = ("encode_folder", "encode_file")
        brush = ("brush", "brush_smaller", "brush_larger")
        self._add("&Latent", "random", "reset", None, *brush, None, *places, None, *ends, None, *encoding)
        self.bar.addMenu(self.device)
        self._add("&Help", "shortcuts", None, "messages", "report", None, "about")

    def _add(self, title: str, *entries: str | QAction | QMenu | None) -> None:
        self._fill(self.bar.addMenu(title), *entries)

    def _fill(self, menu: QMenu, *entries: str | QAction | QMenu | None) -> None:
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, QMenu):
                menu.addMenu(entry)
            else:
                menu.addAction(self._actions[entry] if isinstance(entry, str) else entry)


def set_choices(menu: QMenu, choices: Sequence[tuple[str, str]], chosen: str | None) -> list[QAction]:
    """Fill a menu with exclusive entries `(key, text)`; return the new actions, their data is the key."""
    menu.clear()
    group = QActionGroup(menu)
    actions = []
    for key, text in choices:
        action = menu.addAction(text)
        action.setData(key)
        action.setCheckable(chosen is not None)
        action.setChecked(key == chosen)
        group.addAction(action)
        actions.append(action)
    return actions
