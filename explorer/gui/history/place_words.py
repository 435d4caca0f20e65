"""What is said of a place: by a card, and by a screen reader."""

from __future__ import annotations

from explorer.gui.session import Session
from explorer.gui.state import Place


def spoken(session: Session, place: Place, number: int, *, is_here: bool) -> str:
    """Return `Place 5, Random, starred`; `number` counts all places from 1."""
    words = [
        f"Place {number}",
        place.name,
        place.what if place.what != "starred" else "",
        "starred" if place.starred else "",
        "here" if is_here else "",
        _elsewhere(session, place),
    ]
    return ", ".join(word for word in words if word)


def lines(session: Session, place: Place) -> tuple[str, ...]:
    """Return what it is called, how one got there and from where, and its class and space where others are shown."""
    places = session.places
    parent = places.get(place.parent) if place.parent is not None else None
    number = next((n for n, each in enumerate(places.all, 1) if each.id == place.id), 0)
    came = f"{place.what}, from {parent.name or parent.what}" if parent is not None else place.what
    return tuple(line for line in (place.name or f"Place {number}", came, _elsewhere(session, place)) if line)


def _elsewhere(session: Session, place: Place) -> str:
    space = f"in the space {place.space.partition('-')[0]}" if place.space != session.state.space else ""
    label = f"class {place.label}" if place.label not in (None, session.known_label) else ""
    return ", ".join(word for word in (label, space) if word)
