"""Where the program's own files are, and how a file is written whole or not at all.

No reading of formats here, and nothing about pictures or networks.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import OutputError

_PACKAGE = Path(__file__).resolve().parent


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
    """Return the path of a file kept beside a checkpoint: `NAME.kind`, such as `NAME.codes.npz`."""
    return checkpoint.parent / f"{checkpoint.stem if checkpoint.is_file() else checkpoint.name}.{kind}"


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without an error.

    The temporary name keeps the suffix, so a writer that goes by it still works. The data is on the disk
    before the rename, so a full disk or a kill leaves the old file as it was. A link stays a link: the file
    it leads to is replaced.

    Raises:
        OutputError: the place is missing, read-only or full, or `path` is no file but a device, say.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is no ordinary file, so it is not replaced; give the name of a file.")
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, _mode_for(path))
        os.replace(temporary, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"{path} could not be written ({reason}); choose another place or make room, nothing was changed."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _mode_for(path: Path) -> int:
    """Return the permissions of the file to be replaced, or those a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
