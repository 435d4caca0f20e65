"""Settings: what is kept, and that no file, however broken, stops the program or is lost."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QCoreApplication, QSettings

from explorer.gui import settings
from explorer.gui.settings import Layout, Settings

LAYOUT = Layout("1920x1080", "Z2VvbWV0cnk=", "c3RhdGU=")
CHANGED = {
    "model_memory": "1500",
    "appearance": "dark",
    "last_folder": "/home/somebody/Überall, überall",
    "export_choice": '{"kind": "strip", "scale": 4}',
    "device": "cuda",
    "layouts": (LAYOUT,),
}


@pytest.fixture
def file(qapp, own_settings):
    """The file of settings, which is not there yet."""
    name = QCoreApplication.applicationName()
    QCoreApplication.setOrganizationName("latent-explorer")
    QCoreApplication.setApplicationName("Latent Explorer")
    settings.set_aside()
    path = Path(QSettings().fileName())
    assert own_settings in path.parents
    path.parent.mkdir(parents=True, exist_ok=True)
    yield path
    QCoreApplication.setOrganizationName("")
    QCoreApplication.setApplicationName(name)


def flush():
    QSettings().sync()


def test_without_a_file_everything_is_usual(file):
    assert settings.load() == Settings()
    assert settings.set_aside() == ""


def test_every_field_is_kept(file):
    assert {field.name for field in fields(Settings)} == set(CHANGED)
    for name, value in CHANGED.items():
        settings.save(**{name: value})
    flush()
    assert settings.load() == Settings(**CHANGED)


def test_a_field_that_does_not_exist_is_a_bug(file):
    with pytest.raises(TypeError):
        settings.save(apearance="dark")


def test_without_the_name_of_a_program_nothing_is_kept(qapp):
    QCoreApplication.setOrganizationName("")
    settings.save(appearance="dark")
    assert settings.load() == Settings()


BROKEN = {
    "binary": bytes(range(256)) * 40,
    "text that is none": b"appearance: dark\nlast folder: /home\n",
    "cut in its first line": b"[Gener",
    "zeros after a crash": b"[General]\nappearance=dark\n" + b"\0" * 4096,
    "a picture": b"\x89PNG\r\n\x1a\n=\0\0\0",
    "far too large": b"[General]\nx=" + b"y" * 5_000_000,
}


@pytest.mark.parametrize("kind", [*BROKEN, "a folder"])
def test_what_cannot_be_read_is_set_aside_and_said(file, kind):
    if kind == "a folder":
        file.mkdir()
        (file / "inside").touch()
    else:
        file.write_bytes(BROKEN[kind])
    assert settings.load() == Settings()
    aside = file.with_name(f"{file.name}.broken1")
    sentence = settings.set_aside()
    assert str(aside) in sentence
    assert sentence.endswith(".")
    assert settings.set_aside() == ""
    assert aside.is_dir() if kind == "a folder" else aside.read_bytes() == BROKEN[kind]
    settings.save(appearance="dark")
    flush()
    assert settings.load().appearance == "dark"
    assert settings.set_aside() == ""


def test_a_second_broken_file_does_not_replace_the_first(file):
    for number in (1, 2):
        flush()
        file.write_bytes(b"\xff" * number)
        settings.load()
        assert file.with_name(f"{file.name}.broken{number}").read_bytes() == b"\xff" * number


def test_what_can_neither_be_read_nor_moved_stops_nothing(file, monkeypatch):
    def refuse(*_args):
        raise PermissionError

    file.mkdir()
    monkeypatch.setattr(Path, "rename", refuse)
    assert settings.load() == Settings()
    settings.save(appearance="dark")
    flush()
    assert "cannot be moved" in settings.set_aside()


def test_a_file_that_may_not_be_read_is_set_aside(file, monkeypatch):
    file.write_bytes(b"[General]\nappearance=dark\n")
    usual = Path.open

    def refuse(self, *args, **options):
        if self == file:
            raise PermissionError
        return usual(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert settings.load() == Settings()
    assert "cannot be read" in settings.set_aside()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("appearance=sepia", "appearance"),
        ("appearance=dark, light", "appearance"),
        ("last_folder=@ByteArray(x)", "last_folder"),
        ("last_folder=/a, /b", "last_folder"),
        ("export_choice={kind", "export_choice"),
        ("layouts=[1, 2]", "layouts"),
        ("model_memory=much", "model_memory"),
        ('layouts="[{\\"screen\\": 3, \\"geometry\\": \\"\\", \\"state\\": \\"\\"}]"', "layouts"),
        (f"export_choice={'[' * 300_000}", "export_choice"),
    ],
)
def test_a_field_that_holds_nonsense_is_as_usual_and_the_others_stay(file, line, name):
    file.write_text(f"[General]\nschema=1\n{line}\ndevice=cuda\n")
    assert settings.load() == Settings(device="cuda")
    assert settings.set_aside() == ""


def test_the_file_of_a_newer_version_is_kept_beside_and_still_used(file):
    content = "[General]\nschema=7\nappearance=dark\nlayouts=better\n"
    file.write_text(content)
    assert settings.load() == Settings(appearance="dark")
    assert "newer version" in settings.set_aside()
    assert file.with_name(f"{file.name}.broken1").read_text() == content
    flush()
    assert settings.load() == Settings(appearance="dark")
    assert settings.set_aside() == ""  # once is enough


def test_the_settings_of_the_first_version_are_taken_over(file):
    old = QSettings()
    old.setValue("appearance", "dark")
    old.setValue("last_folder", "/pictures")
    old.setValue("window/geometry", QByteArray(b"\1\2\3"))
    old.setValue("window/layout", QByteArray(b"\4\5\6"))
    old.sync()
    del old
    loaded = settings.load()
    assert (loaded.appearance, loaded.last_folder) == ("dark", "/pictures")
    assert [settings.to_bytes(layout.geometry) for layout in loaded.layouts] == [QByteArray(b"\1\2\3")]
    settings.save(device="cpu")
    flush()
    assert settings.load() == Settings(**{**vars(loaded), "device": "cpu"})
    assert QSettings().value("window/geometry") is None
    assert QSettings().value("schema") in (1, "1")


def test_layouts_are_kept_by_screen_newest_first(file):
    for number in range(settings.MAX_LAYOUTS + 2):
        settings.keep_layout(Layout(f"{number}x1", "", str(number)))
    settings.keep_layout(Layout("5x1", "", "again"))
    kept = settings.load()
    assert [layout.screen for layout in kept.layouts] == [
        "5x1",
        "9x1",
        "8x1",
        "7x1",
        "6x1",
        "4x1",
        "3x1",
        "2x1",
    ]
    assert kept.layout_for(["7x1", "6x1"]).state == "7"
    assert kept.layout_for(["unknown"]).state == "again"
    assert Settings().layout_for(["5x1"]) is None
    assert json.loads(QSettings().value("layouts"))[0]["state"] == "again"
