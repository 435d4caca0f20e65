"""Everything that was said to the person, newest last: what the bar shows for a moment is found here again.

Where messages are shown is decided by the bar (`widgets/notice.py`), the status bar and `message_list.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal

KEPT = 200
_COUNTED = ("error", "warning")  # what somebody may have missed


@dataclass(frozen=True)
class Message:
    """One sentence, when it was said last, and how often in a row."""

    level: str
    text: str
    details: str
    time: datetime
    count: int = 1

    def as_text(self) -> str:
        """Return it as text to be copied: time, level, sentence, then the details."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        lines = [f"{self.time:%H:%M:%S} {self.level}: {self.text}{times}"]
        return "\n".join([*lines, *([self.details] if self.details else [])])


class Messages(QObject):
    """The newest 200; the same one again is counted. For the GUI thread alone."""

    added = Signal(object)  # a Message; where its count is above 1, it replaces the newest
    cleared = Signal()
    unread_changed = Signal(int)  # problems since they were last looked at

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: deque[Message] = deque(maxlen=KEPT)
        self._unread = 0

    @property
    def all(self) -> tuple[Message, ...]:
        """Every message that is kept, the newest last."""
        return tuple(self._kept)

    @property
    def unread(self) -> int:
        """How many problems came since `mark_read`."""
        return self._unread

    def add(self, level: str, text: str, details: str = "") -> None:
        """Keep a sentence; what `session.message` is connected to."""
        message = Message(level, text, details, datetime.now())
        last = self._kept[-1] if self._kept else None
        if last is not None and (last.level, last.text, last.details) == (level, text, details):
            message = replace(message, count=last.count + 1)
            self._kept[-1] = message
        else:
            self._kept.append(message)
        self.added.emit(message)
        if level in _COUNTED and message.count == 1:
            self._set_unread(self._unread + 1)

    def mark_read(self) -> None:
        """Take note that somebody looks at the messages."""
        self._set_unread(0)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self.cleared.emit()
        self._set_unread(0)

    def _set_unread(self, count: int) -> None:
        if count != self._unread:
            self._unread = count
            self.unread_changed.emit(count)
