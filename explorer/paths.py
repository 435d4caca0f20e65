"""Where the program's own files are, and how a file is written whole or not at all.

No reading of formats here, and nothing about pictures or networks.
"""

import atexit
import contextlib
import errno
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from explorer.errors import OutputError

PART = ".part"
"""How a temporary file's name ends, so that nobody takes it for what it is part of."""

_PACKAGE = Path(__file__).resolve().parent
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS)
"""What a system or a file system says that has no files without a name."""
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK, errno.ENOSYS)
"""What one says where such a file can get no name later."""


def _shipped(name: str) -> Path:
    """Return the folder `name` of a checkout, or its copy inside the installed package."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def resources() -> Path:
    """Return the folder of icons, themes and sample pictures."""
    return _shipped("resources")


def checkpoints() -> Path:
    """Return the folder of the bundled models and their code books."""
    return _shipped("checkpoints")


def benchmarks() -> Path:
    """Return the folder of what `bench` runs."""
    return _shipped("benchmarks")


def bundled() -> dict[str, Path]:
    """Return the bundled checkpoints by the name they can be opened with."""
    return {path.stem: path for path in sorted(checkpoints().glob("*.safetensors"))}


def source_root() -> Path:
    """Return the folder that holds the package, for a child process that must import it."""
    return _PACKAGE.parent


def sidecar(checkpoint: Path, kind: str) -> Path:
    """Return the path of a file kept beside a checkpoint: `NAME.kind`, such as `NAME.codes.npz`.

    It stays the same where the checkpoint is gone meanwhile.
    """
    return checkpoint.parent / f"{checkpoint.name if checkpoint.is_dir() else checkpoint.stem}.{kind}"


def user_folder(kind: Literal["data", "state"]) -> Path:
    """Return the folder of this user's own files; it need not be there yet.

    Args:
        kind: `data` is worth keeping; `state` is what the program remembers of its runs.

    Who has no home (a container's user, say) gets a folder that lasts as long as the process.
    """
    import platformdirs

    folder_of = {"data": platformdirs.user_data_dir, "state": platformdirs.user_state_dir}[kind]
    try:
        folder = Path(folder_of("latent-explorer", appauthor=False))
    except (RuntimeError, KeyError, OSError):  # nothing says where the home is
        return _passing_folder() / kind
    return folder if folder.is_absolute() else _passing_folder() / kind


@functools.cache
def _passing_folder() -> Path:
    """Return a folder that goes when the process ends; where none can be made, a place where nothing can be."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="latent-explorer-"))
    except OSError:
        return Path(os.devnull) / "latent-explorer"
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a place to write to; what was written becomes the file `path` if the block ends without an error.

    On Linux that place has no name in any folder until the data is on the disk, so that not even a kill
    leaves a part of a file anywhere; where a system cannot do that, it is a hidden file `.NAME....part` beside
    `path`, which an error removes and only a kill leaves. The yielded path can be opened for writing, has no
    suffix to go by, and is gone afterwards. Whatever happens, the old file is whole until the new one takes
    its place. A link stays a link: the file it leads to is replaced.

    Raises:
        OutputError: the place is missing, read-only or full, or `path` is no file but a device, say.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is no ordinary file, so it is not replaced; give the name of a file.")
    try:
        unnamed = _unnamed_file(path.parent)
        with _named_at_the_end(path) if unnamed is None else _linked_at_the_end(path, unnamed) as place:
            yield place
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"{path} could not be written ({reason}); choose another place or make room, nothing was changed."
        ) from error


def write_text(path: Path | str, text: str) -> None:
    """Write text as UTF-8, whole or not at all.

    Raises:
        OutputError: it could not be written; the old file is untouched.
    """
    with replacing(path) as place:
        # Half a surrogate, as a strange file name has it, becomes the escape that JSON would write.
        place.write_bytes(text.encode(errors="backslashreplace"))


@contextlib.contextmanager
def _named_at_the_end(path: Path) -> Iterator[Path]:
    """Yield a hidden file beside `path` that is renamed to it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        os.chmod(part, _mode_for(path))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _linked_at_the_end(path: Path, unnamed: int) -> Iterator[Path]:
    """Yield the place of an open file without a name, which gets the name `path`; close it."""
    try:
        place = _place_of(unnamed)
        yield place
        os.fchmod(unnamed, _mode_for(path))
        os.fsync(unnamed)
        try:
            _give_name(unnamed, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with _named_at_the_end(path) as part:
                shutil.copyfile(place, part)
    finally:
        os.close(unnamed)


def _unnamed_file(folder: Path) -> int | None:
    """Return an open file in `folder` that no name leads to, None where the system has no such thing."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    try:
        handle = os.open(folder, flag | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED and folder.is_dir():
            return None
        raise
    if _place_of(handle).exists():
        return handle
    os.close(handle)  # no /proc here, so it could never get a name
    return None


def _place_of(handle: int) -> Path:
    return Path(f"/proc/self/fd/{handle}")


def _give_name(unnamed: int, path: Path) -> None:
    """Give an open file without a name the name `path`, in place of a file that has it.

    A system can give a name that is free, or rename over another, but not both at once: an older file is
    replaced by way of a second, hidden name. A kill just then leaves the whole new file under it; the next
    writing of `path` takes it over.
    """
    with contextlib.suppress(FileExistsError):
        _link(unnamed, path)
        return
    hidden = path.with_name(f".{path.name}{PART}")
    try:
        _link_over(unnamed, hidden)
        os.replace(hidden, path)
    except FileNotFoundError:
        if not path.exists():  # else that other one moved this file to its place, or a newer one
            raise
    except OSError:
        hidden.unlink(missing_ok=True)
        raise


def _link_over(unnamed: int, hidden: Path) -> None:
    """Give the name `hidden`, which a kill may have left, or another have that writes the same file now."""
    try:
        _link(unnamed, hidden)
    except FileExistsError:
        own = hidden.with_suffix(f".{secrets.token_hex(4)}{PART}")
        _link(unnamed, own)
        try:
            os.replace(own, hidden)
        finally:
            own.unlink(missing_ok=True)


def _link(unnamed: int, path: Path) -> None:
    # A folder's handle is given only because Python then asks the system to follow the link in /proc.
    os.link(_place_of(unnamed), path, src_dir_fd=unnamed, follow_symlinks=True)


def _mode_for(path: Path) -> int:
    """Return the permissions of the file to be replaced, or those a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
