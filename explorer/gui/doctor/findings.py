"""What lies in a checkpoint: its layers with the certainty of each, and its tensors; two lists side by side as tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTabWidget,
    QTreeView,
    QWidget,
)

from explorer.data.wording import shown
from explorer.formats.diagnosis import DOUBTFUL, Diagnosis, LayerFact, TensorFact
from explorer.formats.diagnosis_words import certainty_word
from explorer.gui import theme

LAYERS = ("Layer", "Tensors", "Gives", "Part", "Certainty")
TENSORS = ("Name", "Shape", "Numbers", "Used by")
UNUSED = "nothing"
NARROW = 96  # px of a column that holds a word
WIDE = 136  # of one that holds a bar, too
PAD = 8
BAR = QSize(40, 4)
_SHARE, _WARNS = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
_Index = QModelIndex | QPersistentModelIndex


class Findings(QTabWidget):
    """The two lists."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first = 0
        self.setDocumentMode(True)
        self.layers = _List("Layers", LAYERS, wide=(0, 1), parent=self)
        self.layers.setItemDelegateForColumn(len(LAYERS) - 1, _Word(self.layers))
        self.layers.header().resizeSection(len(LAYERS) - 1, WIDE)
        self.tensors = _List("Tensors", TENSORS, wide=(0,), parent=self)
        self.tensors.setItemDelegateForColumn(len(TENSORS) - 1, _Word(self.tensors))
        for view in (self.layers, self.tensors):
            self.addTab(view, view.accessibleName())

    def show_diagnosis(self, diagnosis: Diagnosis | None) -> None:
        """Show what was found; None for nothing that would be worth telling."""
        found = diagnosis or Diagnosis()
        self.layers.show_rows(map(_layer_row, found.layers))
        self.tensors.show_rows(map(_tensor_row, found.tensors))
        unused = sum(not tensor.part for tensor in found.tensors)
        first = 1 if found.tensors and not found.layers else 0
        if first != self._first:  # else a person may have turned to the other
            self._first = first
            self.setCurrentIndex(first)
        self.setTabText(0, f"Layers ({len(found.layers)})")
        self.setTabText(1, f"Tensors ({len(found.tensors)}{f', {unused} not used' if unused else ''})")


class _List(QTreeView):
    """Rows that can be read and copied from, not changed."""

    def __init__(
        self, name: str, titles: Sequence[str], wide: Sequence[int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("facts")
        self.setAccessibleName(name)
        self.setMinimumHeight(80)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self._rows = QStandardItemModel(0, len(titles), self)
        self._rows.setHorizontalHeaderLabels(list(titles))
        self.setModel(self._rows)
        header = self.header()
        header.setStretchLastSection(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place in range(len(titles)):
            stretch = place in wide
            mode = QHeaderView.ResizeMode
            header.setSectionResizeMode(place, mode.Stretch if stretch else mode.Interactive)
            if not stretch:
                header.resizeSection(place, NARROW)

    def show_rows(self, rows: Iterable[list[QStandardItem]]) -> None:
        """Show other rows, at the place where the old ones stood."""
        bar = self.verticalScrollBar()
        place = bar.value()
        self._rows.removeRows(0, self._rows.rowCount())
        for row in rows:
            self._rows.appendRow(row)
        bar.setValue(place)


class _Word(QStyledItemDelegate):
    """A word that warns where it should, behind a thin bar where it stands for a share."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        place = QRectF(option.rect).adjusted(PAD, 0, 0, 0)  # type: ignore[attr-defined]
        share = index.data(_SHARE)
        tokens = theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if share is not None:
            _paint_bar(painter, place, share)
            place.adjust(BAR.width() + PAD, 0, 0, 0)
        painter.setPen(tokens.warning if index.data(_WARNS) else tokens.quiet)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, int(flags), index.data() or "")
        painter.restore()


def _paint_bar(painter: QPainter, place: QRectF, share: float) -> None:
    tokens = theme.current()
    bar = QRectF(place.left(), place.center().y() - BAR.height() / 2, BAR.width(), BAR.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.track)
    painter.drawRoundedRect(bar, 2, 2)
    bar.setWidth(max(share * bar.width(), BAR.height()))
    painter.setBrush(tokens.warning if share < DOUBTFUL else tokens.bar)
    painter.drawRoundedRect(bar, 2, 2)


def _layer_row(layer: LayerFact) -> list[QStandardItem]:
    certainty = _item(certainty_word(layer.certainty))
    certainty.setData(layer.certainty, _SHARE)
    certainty.setData(layer.certainty < DOUBTFUL, _WARNS)
    cells = [layer.text, shown(layer.key, 200), _sides(layer.shape), layer.part]
    row = [*map(_item, cells), certainty]
    for item in row:
        item.setToolTip(layer.reason)
    return row


def _tensor_row(tensor: TensorFact) -> list[QStandardItem]:
    row = [*map(_item, (shown(tensor.key, 200), _sides(tensor.shape), tensor.dtype, tensor.part or UNUSED))]
    row[-1].setData(not tensor.part, _WARNS)
    if not tensor.part:
        for item in row:
            item.setToolTip("No layer uses this tensor")
    return row


def _item(text: str) -> QStandardItem:
    item = QStandardItem(text)
    item.setEditable(False)
    return item


def _sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
