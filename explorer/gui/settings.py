"""What is remembered from one start to the next, apart from the user's work: a few plain values over QSettings.

Nothing here is ever fatal. A field that holds nonsense is its default; a file that cannot be read is set aside,
renamed with `.broken` and a number; one of a newer version is copied aside before it is written to. What was
done is one sentence for the user: `set_aside`. Widgets never use QSettings themselves.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QCoreApplication, QSettings

SCHEMA = 1  # 0: the keys `appearance`, `last_folder`, `window/geometry` and `window/layout`, without a number
APPEARANCES = ("system", "light", "dark")
MAX_LAYOUTS = 8
MAX_FILE = 4_000_000  # bytes; a larger file is nothing that this program wrote
MAX_TEXT = 400_000  # characters of one value
MAX_MEMORY = 8  # digits of a number of MB

_said: list[str] = []  # what was set aside, until somebody asks


@dataclass(frozen=True)
class Layout:
    """Where the window and its panels were on a screen of one size; texts are Qt's own bytes in base64."""

    screen: str  # "1920x1080" in device-independent pixels, empty where it is not known
    geometry: str
    state: str


@dataclass(frozen=True)
class Settings:
    """Everything that is remembered."""

    appearance: str = "system"
    last_folder: str = ""
    export_choice: str = ""  # JSON, written and read by the dialog
    device: str = "auto"
    model_memory: str = ""  # MB that models may take once they were opened; empty: as the machine has
    layouts: tuple[Layout, ...] = ()  # newest first

    @property
    def model_bytes(self) -> int | None:
        """The same in bytes, None where nothing is said."""
        return int(self.model_memory) << 20 if self.model_memory else None

    def layout_for(self, screens: list[str]) -> Layout | None:
        """Return the newest layout of a screen that is attached, else the newest of all."""
        fitting = (layout for layout in self.layouts if layout.screen in screens)
        return next(fitting, self.layouts[0] if self.layouts else None)


def load() -> Settings:
    """Return what was remembered, or defaults; see `set_aside` for what could not be read."""
    if not QCoreApplication.organizationName():
        return Settings()
    path = Path(QSettings().fileName())
    if _is_broken(path):
        _set_aside(path, path.rename, "cannot be read")
        return Settings()
    stored = QSettings()
    schema = _number(stored.value("schema"))
    if schema > SCHEMA:
        _set_aside(path, lambda aside: shutil.copy2(path, aside), "is of a newer version of this program")
        stored.setValue("schema", SCHEMA)
    values = _values(stored)
    return replace(_of(values), layouts=_old_layout(stored)) if schema < 1 else _of(values)


def save(**changes: Any) -> None:
    """Remember some fields; the others stay as they are.

    Raises:
        TypeError: no such field.
    """
    settings = replace(load(), **changes)
    if not QCoreApplication.organizationName():
        return
    stored = QSettings()
    if _number(stored.value("schema")) < 1:
        stored.remove("window")
    stored.setValue("schema", SCHEMA)
    for name, value in asdict(settings).items():
        text = json.dumps(value) if name == "layouts" else value
        if stored.value(name) != text:
            stored.setValue(name, text)


def keep_layout(layout: Layout) -> None:
    """Remember a layout as the newest, in the place of the one of that screen."""
    others = (other for other in load().layouts if other.screen != layout.screen)
    save(layouts=(layout, *others)[:MAX_LAYOUTS])


def set_aside() -> str:
    """Return a sentence on the files that were set aside since the last call, or an empty text."""
    sentence = " ".join(_said)
    _said.clear()
    return sentence


# ---- files that cannot be used ----


def _is_broken(path: Path) -> bool:
    """Return whether there is something at the path that is no file of settings."""
    if path.suffix not in (".conf", ".ini"):
        return False  # the registry of Windows, the property list of macOS: the system looks after them
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        lines = [line.strip() for line in content.decode("utf-8").split("\n")]
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    return (
        len(content) > MAX_FILE
        or b"\0" in content
        or any(line and not _is_sound(line) for line in lines)
        or QSettings().status() != QSettings.Status.NoError  # which takes most kinds of nonsense as empty
    )


def _is_sound(line: str) -> bool:
    if line.startswith("["):
        return line.endswith("]")
    return line[0] in ";#" or "=" in line


def _set_aside(path: Path, move: Callable[[Path], object], why: str) -> None:
    aside = _free_name(path)
    try:
        move(aside)
    except OSError:
        sentence = (
            f"What is at {path} {why}, and it cannot be moved; move it to have settings remembered again."
        )
    else:
        sentence = f"The file of settings {path.name} {why}; it was kept as {aside}."
    if sentence not in _said:
        _said.append(sentence)


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.broken{number}")).exists():
        number += 1
    return aside


# ---- values ----


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _values(stored: QSettings) -> dict[str, str]:
    """Return those values that are texts of a sensible length."""
    found = {field.name: stored.value(field.name) for field in fields(Settings)}
    return {name: value for name, value in found.items() if isinstance(value, str) and len(value) <= MAX_TEXT}


def _of(values: dict[str, str]) -> Settings:
    """Return settings made of texts; what is nonsense is the default."""
    usual = Settings()
    known = {**asdict(usual), **values, "layouts": _layouts(values.get("layouts", ""))}
    if known["appearance"] not in APPEARANCES:
        known["appearance"] = usual.appearance
    if not (known["model_memory"].isdecimal() and len(known["model_memory"]) <= MAX_MEMORY):
        known["model_memory"] = usual.model_memory
    if not _is_json(known["export_choice"]):
        known["export_choice"] = usual.export_choice
    return Settings(**known)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _layouts(text: str) -> tuple[Layout, ...]:
    try:
        found = [Layout(**each) for each in json.loads(text)] if text else []
    except (ValueError, TypeError, RecursionError):
        return ()
    texts = [each for each in found if all(isinstance(value, str) for value in asdict(each).values())]
    return tuple(texts[:MAX_LAYOUTS])


def _old_layout(stored: QSettings) -> tuple[Layout, ...]:
    """Return the layout of schema 0, of which the docks are forgotten because there are others now."""
    geometry = stored.value("window/geometry")
    return (Layout("", to_text(geometry), ""),) if isinstance(geometry, QByteArray) else ()


def to_text(data: QByteArray) -> str:
    """Return Qt's bytes as a text that a layout holds."""
    return bytes(data.toBase64().data()).decode("ascii")


def to_bytes(text: str) -> QByteArray:
    """Return the bytes that `to_text` made a text of; none where it did not."""
    return QByteArray.fromBase64(QByteArray(text.encode()))
