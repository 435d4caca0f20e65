"""Asking for a file: what a person types, and what comes of it."""

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QMessageBox, QWidget

from explorer.gui import file_dialogs


@pytest.fixture
def parent(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(file_dialogs, "last_folder", lambda: str(tmp_path))
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


def type_soon(name):
    """Type a name into the dialog that opens next; return the questions that were asked, all answered with no."""
    asked = []

    def refuse():
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            box.button(QMessageBox.StandardButton.No).click()

    def act():
        dialog = QApplication.activeModalWidget()
        dialog.findChild(QLineEdit, "fileNameEdit").setText(name)
        QTimer.singleShot(0, refuse)
        dialog.accept()
        if dialog.isVisible():
            dialog.reject()

    QTimer.singleShot(0, act)
    return asked


def test_a_name_without_a_suffix_gets_one(parent, tmp_path):
    asked = type_soon("free")
    assert file_dialogs.ask_save(parent, "Export", "faces strip.png", "PNG (*.png)") == str(
        tmp_path / "free.png"
    )
    assert asked == []


def test_a_suffix_of_two_parts_is_asked_about_as_a_whole(parent, tmp_path):
    (tmp_path / "taken.session.json").write_text("mine")
    asked = type_soon("taken")
    assert file_dialogs.ask_save(parent, "Save", "my.session.json", "", ".session.json") == ""
    assert "taken.session.json" in asked[0]


def test_it_never_replaces_a_file_unasked(parent, tmp_path):
    (tmp_path / "taken.png").write_text("mine")
    asked = type_soon("taken")
    assert file_dialogs.ask_save(parent, "Export", "faces strip.png", "PNG (*.png)") == ""
    assert len(asked) == 1
    assert "taken.png" in asked[0]


def test_the_dialog_shows_checkpoints_of_every_kind_first_and_any_file_then():
    first, last = file_dialogs.openable().split(";;")
    for suffix in (
        "pt",
        "pth",
        "ckpt",
        "bin",
        "pkl",
        "h5",
        "hdf5",
        "keras",
        "safetensors",
        "session.json",
        "png",
    ):
        assert f"*.{suffix}" in first.replace(")", " ").split() or f"*.{suffix} " in f"{first} ".replace(
            "(", " "
        )
    assert last == "All files (*)"
    assert "png" not in file_dialogs.openable(("Checkpoints",))
