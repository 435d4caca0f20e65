"""Which networks of a session come from runs; no widget, no reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer.formats.run_epochs import place_of
from explorer.formats.run_folder import epoch_of
from explorer.gui.weights import is_alike

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.gui.session import Session
    from explorer.gui.weights import Network


class Subject(NamedTuple):
    """A network that comes from a run: the folder, and which stage of the chain; 0 is the model."""

    folder: Path
    stage_id: int


def subjects_of(session: Session) -> list[Subject]:
    """Return those that are open: the model first, then the stages in their order."""
    networks: list[tuple[int, Network | None]] = [(0, session.model)]
    networks += [(entry.id, entry.stage) for entry in session.stages]
    places = [(_place(network), stage_id) for stage_id, network in networks]
    return [Subject(place[0], stage_id) for place, stage_id in places if place is not None]


def network_of(session: Session, subject: Subject | None) -> Network | None:
    """Return the network that is open there."""
    if subject is None:
        return None
    if not subject.stage_id:
        return session.model
    return next((entry.stage for entry in session.stages if entry.id == subject.stage_id), None)


def number_of(network: Network | None) -> int | None:
    """Return which epoch a network of a run is, without a look at the disk: a drag asks at every move."""
    return epoch_of(network.origin.path) if network is not None and network.origin is not None else None


def is_of(folder: Path, network: Network, opened: Opened) -> bool:
    """Return whether what was opened is an epoch of a run, and of the network that is trained there now."""
    place = _place(opened.model)
    return place is not None and place[0] == folder and is_alike(opened.model, network)


def _place(network: Network | None) -> tuple[Path, int] | None:
    return place_of(network.origin.path) if network is not None and network.origin is not None else None
