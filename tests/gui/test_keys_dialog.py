"""The list of keys: it fits a low screen, scrolls by keyboard, and is in the way of nothing."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from explorer.gui.keys_dialog import HIGHEST, KeysDialog


def test_the_list_scrolls_by_keys_and_goes_with_escape(qtbot):
    dialog = KeysDialog()
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    with qtbot.waitExposed(dialog):
        dialog.show()
    assert not dialog.isModal()
    assert dialog.height() <= HIGHEST
    assert "Ctrl+Shift+S" in dialog.area.widget().text()
    assert isinstance(dialog.area.widget(), QLabel)
    bar = dialog.area.verticalScrollBar()
    assert bar.maximum() > 0
    qtbot.keyClick(dialog.area, Qt.Key.Key_End)
    qtbot.keyClick(dialog.area, Qt.Key.Key_PageDown)
    assert bar.value() > 0
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: gone == [True])
