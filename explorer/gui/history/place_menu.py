"""The menu of a place of the history: everything that keys and drags do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from explorer.gui.history.layer_range import LayerRange
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
    if session.model is not None and session.model.layers:
        menu.addMenu(_mix_menu(session, place, menu))
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


def thirds(layers: int) -> tuple[tuple[str, int, int], ...]:
    """Return the usual ranges of layers: name, first, behind the last.

    Coarse are the sizes 4 and 8, middle 16 and 32, fine the rest (Karras et al. 2018, arXiv:1812.04948, figure 3); of
    few layers each has its third.
    """
    first, second = (4, 8) if layers > 9 else (max(layers // 3, 1), max(2 * layers // 3, 2))
    ranges = (("Coarse: pose, shape", 0, first), ("Middle: features", first, second))
    return (*ranges, ("Fine: colours, texture", second, layers))


def _mix_menu(session: Session, place: Place, parent: QMenu) -> QMenu:
    """Return the menu of the layers that take the styles of a place."""
    assert session.model is not None
    layers = session.model.layers
    menu = QMenu("Mix styles from here", parent)
    menu.setToolTipsVisible(True)

    def add(text: str, first: int, stop: int) -> None:
        action = menu.addAction(text)
        action.setToolTip(f"Layers {first + 1} to {stop} of {layers} take their styles from this picture")
        action.triggered.connect(lambda: session.mix(place, first, stop))

    for text, first, stop in thirds(layers):
        if first < min(stop, layers):
            add(f"{text} (layers {first + 1}–{min(stop, layers)})", first, min(stop, layers))
    menu.addSeparator()
    menu.addAction("Layers from … to …").triggered.connect(
        lambda: LayerRange(session, place, parent.parentWidget()).open()
    )
    return menu
