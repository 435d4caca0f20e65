"""Finding a checkpoint again by the hash of its file, wherever it has been moved or whatever it is called now."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.data.wording import shown
from explorer.errors import Cancelled
from explorer.formats import READERS, recent, whereabouts
from explorer.formats.reader import HEAD_BYTES, ShouldStop, never
from explorer.formats.run_folder import is_run
from explorer.paths import bundled

SUFFIXES = (
    ".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".tar", ".pt2",
    ".onnx", ".npz",
)  # fmt: skip
"""What checkpoints are called; in a folder only files named like that are looked into, at most `_MOST_FILES`."""

_MOST_FILES = 200
_MOST_FOLDERS, _MOST_WEIGHTS = 20, 10  # of a checkpoint that is a folder itself
_BLOCK = 1 << 22  # bytes
_known: dict[tuple[str, int, int], str] = {}  # path, size, time of the last change: hash


def find(
    name: str, sha256: str | None, near: Sequence[Path] = (), should_stop: ShouldStop = never
) -> Path | None:
    """Return the checkpoint whose SHA-256 is this, None where it is not found; a folder has that of its weights.

    Looked at are the files in `near`, recent and bundled ones, where it was when a picture was made with it, and
    the checkpoints of the folders in `near`; those of that hash or name first. Only a hash that is taken of the
    file itself counts.

    Args:
        name: what the checkpoint was called; files of that name are tried first.
        sha256: of the file's bytes, as `Origin.sha256`; None finds nothing.
        near: files, or folders whose checkpoint files are tried, not those in folders within.
        should_stop: asked often; true ends the search.

    Raises:
        Cancelled: `should_stop` turned true.
    """
    if not sha256:
        return None
    tried = set()
    for path in _candidates(name, sha256.lower(), near):
        if path in tried:
            continue
        tried.add(path)
        if should_stop():
            raise Cancelled
        try:
            if is_checkpoint(path) and sha256.lower() in _hashes(path, should_stop):
                return path
        except (OSError, ValueError):  # it is gone, not ours to read, or has a name that no file can have
            continue
    return None


def is_checkpoint(path: Path) -> bool:
    """Return whether a reader recognises the first bytes of a file, or a folder, so that it is worth to be hashed.

    What is no ordinary file, or is empty as those are that a system makes up while they are read, is never one.

    Raises:
        OSError, ValueError: it is not there, cannot be read, or no file can be called that.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        # A folder around one file is no more than a way to that file.
        return any(reader.matches(b"", path) for name, reader in READERS.items() if name != "folder")
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return False
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return any(reader.matches(head, path) for reader in READERS.values())


def hash_of(path: Path, should_stop: ShouldStop = never) -> str:
    """Return the SHA-256 of a file's bytes, lower-case hex; taken once as long as the file stays as it is.

    Raises:
        OSError: it cannot be read, or is no ordinary file with something in it.
        Cancelled: `should_stop` turned true.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        raise OSError(f"{path} is no ordinary file with something in it")
    key = (os.path.abspath(path), status.st_size, status.st_mtime_ns)
    if key not in _known:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if should_stop():
                    raise Cancelled
                digest.update(block)
        _known[key] = digest.hexdigest()
    return _known[key]


def _hashes(path: Path, should_stop: ShouldStop) -> Iterator[str]:
    """Yield the hash of a file, or those of what may be the weights of a folder."""
    if not path.is_dir():
        yield hash_of(path, should_stop)
        return
    for folder in (path, *(entry for entry in sorted(path.iterdir())[:_MOST_FOLDERS] if entry.is_dir())):
        for file in _checkpoints_in(folder, path.name)[:_MOST_WEIGHTS]:
            yield hash_of(file, should_stop)


def wanted(
    name: str,
    sha256: str | None,
    what: str = "It",
    advice: str = "open that checkpoint once, or give it by --model",
) -> str:
    """Return the sentence that says which checkpoint is missing.

    Args:
        name: of the checkpoint.
        sha256: of its file, where one is known.
        what: what was made with it.
        advice: what to try.
    """
    name = shown(name)
    if not sha256:
        return f"{what} was made with {name}, a model that came from no file; {advice}."
    return (
        f"{what} was made with {name} (SHA-256 {sha256[:4]}…), which is not among the recent and bundled ones; "
        f"{advice}."
    )


def _candidates(name: str, sha256: str, near: Sequence[Path]) -> Iterator[Path]:
    """Yield files to try, the likeliest first; some twice."""
    yield from near
    lately = [entry for entry in recent.entries() if entry.kind != "session"]
    shipped = bundled()
    beside = [path for folder in near if os.path.isdir(folder) for path in _checkpoints_in(folder, name)]
    yield from (entry.path for entry in lately if entry.sha256 == sha256)
    if (used := whereabouts.where(sha256)) is not None:
        yield used
    if name in shipped:
        yield shipped[name]
    yield from (path for path in beside if path.stem == name)
    yield from (entry.path for entry in sorted(lately, key=lambda entry: entry.name != name))
    yield from shipped.values()
    yield from beside
    runs = [entry.path for entry in lately if is_run(entry.path)]  # listed as folders
    yield from (path for folder in runs for path in _checkpoints_in(folder, name))


def _checkpoints_in(folder: Path, name: str) -> list[Path]:
    """Return what is called like a checkpoint, first what is called `name`."""
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    except OSError:
        return []
    return sorted(files, key=lambda path: (path.stem != name, path.name))[:_MOST_FILES]
