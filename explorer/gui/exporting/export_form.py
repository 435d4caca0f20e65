"""The settings of the Export dialog: one control a setting, those of the kind shown, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QWidget,
)

from explorer.gui import file_dialogs
from explorer.gui.exporting.export_choice import CAPTIONED, RANGES, ExportChoice
from explorer.gui.theme import current

FORMATS = {"png": "PNG", "webp": "WebP, lossless", "gif": "GIF, 256 colours"}
GROUNDS = {"#ffffff": "White", "#000000": "Black", "#14161b": "Dark"}
OTHER = "other"
SPECIAL = {"scale": "Automatic", "seed": "The one shown"}  # what the smallest number means
LABELS = 104  # px, so that the fields stay where they are from one kind to the next
ROW = 26
PICTURES_FILTER = (
    "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff *.zip *.npz *.gz);;All files (*)"
)


class ExportForm(QWidget):
    """Shows an `ExportChoice` and tells when a person changed it."""

    changed = Signal()
    pictures_chosen = Signal(str)  # path of pictures to reconstruct

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = ExportChoice()
        self._rows: list[tuple[QWidget, Callable[[ExportChoice], bool]]] = []
        self._showers: list[Callable[[ExportChoice], None]] = []
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setVerticalSpacing(8)
        self._layout.setHorizontalSpacing(12)
        self._layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._build()
        self.show_choice(self._choice)

    @property
    def choice(self) -> ExportChoice:
        """What is set."""
        return self._choice

    def show_choice(self, choice: ExportChoice) -> None:
        """Show other settings; nothing is emitted."""
        self._choice = choice
        for show in self._showers:
            show(choice)
        for widget, belongs in self._rows:
            self._layout.setRowVisible(widget, belongs(choice))

    def _change(self, **changes: object) -> None:
        self.show_choice(replace(self._choice, **changes))  # type: ignore[arg-type]
        self.changed.emit()

    # ---- the controls ----

    def _build(self) -> None:
        self._add_format()
        self._check(
            "film", "Animation", "One picture after the other, where the file can hold that", _can_move
        )
        self._check("back", "To and fro", "The animation runs back to A", lambda c: c.is_film)
        self._number(
            "milliseconds", "Pace", "Milliseconds from one picture to the next", " ms", lambda c: c.is_film
        )
        self._add_pictures()
        for name, title, tip, kind in (
            ("sheet_steps", "Pictures in a row", "Steps from the low end to the high one", "sheet"),
            ("manifold_steps", "Pictures a side", "Steps along each of the two dimensions", "manifold"),
            ("count", "Pictures", "How many random pictures", "samples"),
            ("seed", "Seed", "The same seed gives the same pictures", "samples"),
            ("pairs", "Pictures", "How many, from the first on", "reconstructions"),
        ):
            self._number(name, title, tip, "", _is(kind))
        self._check("active_only", "Active dimensions only", "Leave out what does nothing", _is("sheet"))
        self._check("ground", "Decoded background", "Pictures behind the points", _is("map"))
        usual = "Names, values and errors beside the pictures"
        self._check("captions", "Captions", usual, lambda c: c.kind in CAPTIONED)
        self._check("other_captions", "Captions", usual, lambda c: c.kind not in CAPTIONED)
        self._number(
            "scale", "Scale", "How many times each pixel is enlarged", "×", lambda c: c.kind != "map"
        )
        self._number("margin", "Margin", "Background around everything", " px")
        self._number("gap", "Gap", "Background between two pictures", " px", _has_gaps)
        self._add_background()

    def _add(self, title: str, widget: QWidget, tip: str, belongs: Callable[[ExportChoice], bool]) -> None:
        widget.setToolTip(tip)
        if not isinstance(widget, QCheckBox):
            widget.setAccessibleName(title)
            label = QLabel(title, self)
            label.setBuddy(widget)
            label.setMinimumWidth(LABELS)
            self._layout.addRow(label, widget)
        else:
            widget.setMinimumHeight(ROW)
            self._layout.addRow(widget)
        self._rows.append((widget, belongs))

    def _add_format(self) -> None:
        box = QComboBox(self)
        for name, text in FORMATS.items():
            box.addItem(text, name)
        box.activated.connect(lambda: self._change(format=box.currentData()))
        self._showers.append(lambda c: box.setCurrentIndex(box.findData(c.format)))
        self._add("Format", box, "The kind of file", _always)

    def _check(self, name: str, title: str, tip: str, belongs: Callable[[ExportChoice], bool]) -> None:
        box = QCheckBox(title, self)
        box.setObjectName(name)
        box.clicked.connect(lambda on: self._change(**{name: on}))
        self._showers.append(lambda c: box.setChecked(getattr(c, name)))
        self._add(title, box, tip, belongs)

    def _number(
        self,
        name: str,
        title: str,
        tip: str,
        suffix: str,
        belongs: Callable[[ExportChoice], bool] | None = None,
    ) -> None:
        box = QSpinBox(self)
        box.setObjectName(name)
        box.setRange(*RANGES[name])
        box.setSuffix(suffix)
        box.lineEdit().setAcceptDrops(False)
        if name in SPECIAL:
            box.setSpecialValueText(SPECIAL[name])
        box.setKeyboardTracking(False)
        box.valueChanged.connect(lambda value: self._change(**{name: value}))
        self._showers.append(partial(_show_number, box, name))
        self._add(title, box, tip, belongs or _always)

    def _add_pictures(self) -> None:
        button = QPushButton("Choose pictures…", self)
        button.setObjectName("pictures")
        button.clicked.connect(self._on_choose_pictures)
        self._add(
            "From", button, "The pictures to reconstruct: a zip, an npz, or one file", _is("reconstructions")
        )

    def _on_choose_pictures(self) -> None:
        path = file_dialogs.ask_open(self, "Pictures to reconstruct", PICTURES_FILTER)
        if path:
            self._change(pictures=path)
            self.pictures_chosen.emit(path)

    def _add_background(self) -> None:
        box = QComboBox(self)
        box.setObjectName("background")
        for name, text in GROUNDS.items():
            box.addItem(text, name)
        box.addItem("Other…", OTHER)
        box.activated.connect(lambda: self._on_ground_chosen(box.currentData()))
        self._showers.append(partial(_show_ground, box))
        self._add("Background", box, "Colour of margins, gaps and empty places", _always)

    def _on_ground_chosen(self, name: str) -> None:
        if name != OTHER:
            self._change(background=name)
            return
        dialog = QColorDialog(QColor(self._choice.background), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda color: self._change(background=color.name()))
        dialog.rejected.connect(lambda: self.show_choice(self._choice))
        dialog.open()


def _show_number(box: QSpinBox, name: str, choice: ExportChoice) -> None:
    box.blockSignals(True)
    box.setValue(getattr(choice, name))
    box.blockSignals(False)


def _show_ground(box: QComboBox, choice: ExportChoice) -> None:
    """Choose the entry of a colour; one that is in no list stands at the place of "Other"."""
    place = box.findData(choice.background.lower())
    last = box.count() - 1
    box.setItemText(last, "Other…" if place >= 0 else f"Other… ({choice.background})")
    box.setCurrentIndex(place if place >= 0 else last)
    box.setStyleSheet("" if place >= 0 else f"color: {current().text.name()};")


def _always(choice: ExportChoice) -> bool:
    return True


def _is(kind: str) -> Callable[[ExportChoice], bool]:
    return lambda choice: choice.kind == kind


def _can_move(choice: ExportChoice) -> bool:
    return choice.kind == "strip" and choice.format in ("gif", "webp")


def _has_gaps(choice: ExportChoice) -> bool:
    return choice.kind not in ("picture", "map") and not choice.is_film
