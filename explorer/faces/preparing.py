"""Cuts faces out of pictures or of a video into a folder of small pictures to train on.

Beside them lies `faces.csv`, which tells of each where it comes from and how it was cut; its first column is the
file, so it also serves as a table of labels.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.data.picture import to_channels
from explorer.data.sources import open_source
from explorer.data.wording import counted
from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces import MARGIN
from explorer.faces.alignment import Face, align, centre
from explorer.faces.finding import Finder
from explorer.faces.naming import Names, kind_of, some
from explorer.faces.video import frames
from explorer.paths import replacing, write_text

TABLE = "faces.csv"
ALIGNED, EYELESS, CENTRED = "aligned", "face without eyes", "centre crop"
"""How a picture was cut."""

_COLUMNS = (
    "file", "how", "source", "seconds", "left", "top", "width", "height", "left_eye_x", "left_eye_y", "right_eye_x",
    "right_eye_y",
)  # fmt: skip

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Wish:
    """How faces are to be cut.

    Attributes:
        size: side of the pictures, in pixels.
        margin: room around a face on each side, as a share of its own side.
        most: how many pictures to write; None: all.
        every: seconds between two frames of a video that are looked at.
        centres: whether pictures without a face are cropped to their centre, or left out.
    """

    size: int = 64
    margin: float = MARGIN
    most: int | None = None
    every: float = 1.0
    centres: bool = True


@dataclass(eq=False)
class Prepared:
    """What was written.

    Attributes:
        folder: where.
        wish: how.
        table: of each picture what `faces.csv` says.
        looked: in how many pictures or frames faces were looked for.
        faceless: sources in which none was found; for frames with their time.
        broken: names of files that could not be read.
    """

    folder: Path
    wish: Wish
    table: list[dict[str, Any]] = field(default_factory=list)
    looked: int = 0
    faceless: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures were cut in which way."""
        found = Counter(row["how"] for row in self.table)
        return {how: found[how] for how in (ALIGNED, EYELESS, CENTRED)}

    @property
    def figures(self) -> dict[str, Any]:
        """All of it in plain values."""
        told = {
            "folder": self.folder,
            "pictures": len(self.table),
            "size": self.wish.size,
            "looked": self.looked,
        }
        return {**told, "ways": self.counts, "faceless": self.faceless, "broken": self.broken}

    def notes(self) -> Iterator[str]:
        """Yield what is to be said of it, in sentences."""
        aligned, eyeless, centred = self.counts.values()
        size = f"{self.wish.size}x{self.wish.size}"
        ways = [f"{aligned} aligned by the eyes", f"{eyeless} by the face alone", f"{centred} by the centre"]
        yield f"{self.folder}: {counted(len(self.table), 'picture')} of {size}: {', '.join(ways)}."
        if self.faceless:
            what = "cropped to the centre" if self.wish.centres else "left out"
            yield f"No face was found in {some(self.faceless)}; {what}."
        if self.broken:
            yield f"No picture could be read in {some(self.broken)}; left out."


@dataclass(frozen=True, eq=False)
class _Shot:
    """One picture or frame: what it is called, its pixels `(H, W, C)` or None, its time, what lies before it, 0..1."""

    name: str
    source: str
    pixels: np.ndarray | None
    seconds: float | None
    done: float


def prepare(
    source: Path,
    out: Path,
    wish: Wish,
    finder: Finder | None,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Prepared:
    """Cut the faces of pictures, or of the frames of a video, into PNG files `NAME-1.png`, the largest face first.

    Args:
        source: a folder, zip, array, picture or video.
        out: a folder that is empty or not there yet.
        wish: how they are cut.
        finder: who finds them; None: the centre of each picture is taken.
        progress: told before each picture.
        should_stop: asked before each picture.

    Returns:
        What was written.

    Raises:
        ImageError: nothing could be read, or nothing was cut; no folder is made then.
        UsageError: `out` holds something already, or an extra is missing.
        OutputError: it could not be written; what was finished stays.
        Cancelled: `should_stop` turned true; what was finished stays, with its table.
    """
    check_empty(out)
    made = Prepared(out, wish)
    with _table_at_the_end(made):
        for shot in _shots(source, wish.every, made):
            if should_stop():
                raise Cancelled
            progress(shot.done, counted(len(made.table), "face"))
            if shot.pixels is None:
                made.broken.append(shot.source)
            elif _cut(shot, shot.pixels, made, finder):
                break
    if not made.table:
        raise ImageError(
            f"No face was found in {source}; take the centres of the pictures with --centre."
            if made.looked
            else f"{source} holds no picture that can be read; give a folder or zip of pictures, or a video."
        )
    return made


def check_empty(out: Path) -> None:
    """Raise `UsageError` for a folder that holds something, or a name that is none of a folder."""
    try:
        if not out.exists():
            return
        if not out.is_dir():
            raise UsageError(f"{out} is a file, and a folder is wanted; give another name.")
        if any(out.iterdir()):
            raise UsageError(f"{out} holds files already; give the name of a new folder.")
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise OutputError(f"{out} cannot be read ({reason}); give another folder.") from error


def make_folder(out: Path) -> None:
    """Make a folder and those above it; raises `OutputError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise OutputError(f"The folder {out} cannot be made ({reason}); choose another place.") from error


@contextlib.contextmanager
def _table_at_the_end(made: Prepared) -> Iterator[None]:
    """Write `faces.csv` however the block ends, if there is anything to tell; else leave no folder."""
    was_there = made.folder.exists()
    try:
        yield
    finally:
        if not made.table and not was_there:
            with contextlib.suppress(OSError):
                made.folder.rmdir()
        if made.table:
            text = io.StringIO()
            writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(made.table)
            write_text(made.folder / TABLE, text.getvalue())


def _shots(source: Path, every: float, made: Prepared) -> Iterator[_Shot]:
    """Yield the pictures of a collection, or some frames of a video."""
    if kind_of(source) == "video":
        for frame in frames(source, every):
            name = f"{Names().of(source.name)}-{frame.seconds:09.3f}s"
            yield _Shot(name, source.name, frame.pixels, frame.seconds, frame.done)
        return
    names, opened = Names(), open_source(source)
    for number, found in enumerate(opened.found):
        pixels = None
        if found.image is not None:
            pixels = np.asarray(found.image)
            pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        yield _Shot(names.of(found.name), found.name, pixels, None, number / max(opened.count, 1))


def _cut(shot: _Shot, pixels: np.ndarray, made: Prepared, finder: Finder | None) -> bool:
    """Write the faces of one picture; return whether that is all that was wished for."""
    wish = made.wish
    made.looked += 1
    faces = finder.find(to_channels(pixels, 3)) if finder else []
    if finder and not faces:
        at = "" if shot.seconds is None else f" at {shot.seconds:.1f} s"
        made.faceless.append(f"{shot.source}{at}")
        if not wish.centres:
            return False
    for number, face in enumerate(faces or [None], 1):
        square = centre(pixels.shape[1], pixels.shape[0]) if face is None else align(face, wish.margin)
        file = f"{shot.name}-{number}.png"
        make_folder(made.folder)
        _save(square.crop(pixels, wish.size), made.folder / file)
        made.table.append({"file": file, "source": shot.source, **_told(face, shot.seconds)})
        if len(made.table) == wish.most:
            return True
    return False


def _told(face: Face | None, seconds: float | None) -> dict[str, Any]:
    """Return the columns of a face."""
    told: dict[str, Any] = {} if seconds is None else {"seconds": round(seconds, 3)}
    if face is None:
        return {**told, "how": CENTRED}
    values = [*face.box, *(value for eye in face.eyes or () for value in eye)]
    places = {name: round(value, 1) for name, value in zip(_COLUMNS[4:], values, strict=False)}
    return {**told, **places, "how": ALIGNED if face.eyes else EYELESS}


def _save(pixels: np.ndarray, path: Path) -> None:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    with replacing(path) as place, place.open("wb") as file:
        image.save(file, "PNG")
