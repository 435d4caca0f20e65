"""What each dimension does: by the code book or the space at once, by the decoder when it has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject

from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.latent import activity as activity_maths

if TYPE_CHECKING:
    import numpy as np

    from explorer.latent.activity import Activity
    from explorer.models.base import LatentModel
    from explorer.render.requests import ActivityResult


MOST_OF_A_MAP = 512
"""Single numbers of a map that are worth measuring one by one; of more, each does little, and other work waits."""


class DimensionJudge(QObject):
    """Tells the session what each dimension of a newly shown model or space does; what was measured is kept."""

    def __init__(self, session: Session, pictures: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._kl: np.ndarray | None = None
        self._known: WeakKeyDictionary[LatentModel, dict[object, Activity]] = WeakKeyDictionary()
        self._asked: object = None  # of which space and options
        session.model_changed.connect(self._judge)
        session.space_changed.connect(self._judge)

    def _judge(self) -> None:
        session, book = self._session, self._session.shown_book
        if session.space is None:
            return
        self._asked = session.space.name, *session.seen_by[1:]
        known = self._known.get(session.model, {}).get(self._asked)  # type: ignore[arg-type]
        if known is not None:
            self._pictures.cancel("activity")
            session.set_activity(known)
            return
        has_kl = book is not None and book.logvar is not None and session.space.prior == "normal"
        self._kl = activity_maths.kl_per_dim(book.mean, book.logvar) if has_kl else None  # type: ignore[union-attr, arg-type]
        if self._kl is not None:
            session.set_activity(activity_maths.judge(self._kl, None))
        elif session.space.leading is not None:
            session.set_activity(activity_maths.leading(session.space))
        if session.space.is_map and session.space.dim > MOST_OF_A_MAP:
            self._pictures.cancel("activity")  # that of the space before would be taken for this one's
            return
        probes = activity_maths.probes(session.space, book.mean) if book is not None else None
        self._pictures.want_activity(probes, self._on_activity)

    def _on_activity(self, result: ActivityResult) -> None:
        model, space = self._session.model, self._session.space
        if result.sensitivity is not None and model is not None and space is not None:
            found = activity_maths.judge(self._kl, result.sensitivity)
            found = activity_maths.within_leading(found, space)
            self._known.setdefault(model, {})[self._asked] = found
            self._session.set_activity(found)
