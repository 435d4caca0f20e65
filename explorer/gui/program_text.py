"""The program text that a checkpoint carries, to be read: nothing of it is ever run."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

SAYS = (
    "{name} carries this text of the program that it was made with. It is shown as it is, and was never run."
)


class ProgramText(QDialog):
    """Shows the text; stays open beside the work, and goes when it is closed."""

    def __init__(self, name: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Program text in the file")
        self.setModal(False)
        says = QLabel(SAYS.format(name=name), self)
        says.setTextFormat(Qt.TextFormat.PlainText)
        says.setWordWrap(True)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Program text")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(says)
        layout.addWidget(self.text, stretch=1)
        layout.addWidget(buttons)
        self.resize(720, 520)
