"""A combo box that is as wide as what it shows, with longer texts in its list."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QWidget,
)

_FULL = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


class FittingCombo(QComboBox):
    """A combo box for title rows; `z9` in the closed box may be `z9  hair colour` in the list."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setItemDelegate(_FullTexts(self))
        self.currentIndexChanged.connect(self.updateGeometry)

    def add(self, text: str, data: object, full: str = "") -> None:
        """Add an entry; `full` is its text in the list."""
        self.addItem(text, data)
        self.setItemData(self.count() - 1, full or text, _FULL)

    def sizeHint(self) -> QSize:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        metrics = self.fontMetrics()
        size = QSize(metrics.horizontalAdvance(self.currentText() or "PCA") + 2, metrics.height())
        return self.style().sizeFromContents(self.style().ContentsType.CT_ComboBox, option, size, self)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().strip().isprintable() and event.text().strip():
            event.ignore()  # letters are the window's keys, also while the closed box has the focus
        else:
            super().keyPressEvent(event)

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 28)
        super().showPopup()


class _FullTexts(QStyledItemDelegate):
    """Shows the longer texts."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        option.text = index.data(_FULL) or option.text  # type: ignore[attr-defined]
