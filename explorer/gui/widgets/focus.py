"""When a widget that paints itself shows a focus ring: after a key brought the focus, not after a click."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent

_BY_KEY = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


def came_by_key(event: QFocusEvent) -> bool:
    """Return whether a key brought the focus."""
    return event.reason() in _BY_KEY
