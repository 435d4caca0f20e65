"""The menu of a place of the history: everything that keys and drags do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from explorer.gui.state import Place

if TYPE_CHECKING:
    from explorer.gui.panels.history import HistoryPanel
    from explorer.gui.session import Session


def place_menu(session: Session, panel: HistoryPanel, place: Place) -> QMenu:
    """Return the menu; what cannot be done now says why."""
    places, number = session.places, place.id
    menu = QMenu(panel)
    menu.setToolTipsVisible(True)
    menu.addAction("Go there").triggered.connect(lambda: places.visit(number))
    menu.addSeparator()
    star = menu.addAction("Take the star away" if place.starred else "Star")
    star.triggered.connect(lambda: panel.toggle_star(number))
    menu.addAction("Name…").triggered.connect(lambda: panel.ask_name(number))
    menu.addSeparator()
    set_a, set_b = menu.addAction("Set as A"), menu.addAction("Set as B")
    set_a.triggered.connect(lambda: places.set_anchor("A", number))
    set_b.triggered.connect(lambda: places.set_anchor("B", number))
    blend = menu.addAction("Blend with the current picture")
    blend.triggered.connect(lambda: places.blend(number))
    show = menu.addAction("Show on the map")
    show.triggered.connect(lambda: panel.map_wanted.emit(place.code))
    if place.space != session.state.space:
        for action in (set_a, set_b, blend, show):
            action.setEnabled(False)
            action.setToolTip(f"This place is in the space {place.space}; go there first")
    menu.addSeparator()
    remove = menu.addAction("Remove (take the star away first)" if place.starred else "Remove")
    remove.setEnabled(not place.starred)
    remove.setToolTip("Take the star away first" if place.starred else "Forget this place")
    remove.triggered.connect(lambda: panel.remove(number))
    return menu
