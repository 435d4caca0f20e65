"""The child process of `isolated`: `python -P -m explorer.formats.child FILE FOLDER`.

It limits its memory to what it has plus twice the file plus 1 GB, tells by the first bytes what the file is,
reads it with own code alone, writes what `handing` describes into FOLDER, and tells the parent by lines of JSON on
standard output. No torch: it starts in a fraction of a second.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import sys
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.formats import onnx_graph, torch_archive
from explorer.formats.handing import Handing
from explorer.formats.isolated import READ_SECONDS
from explorer.formats.pickle_stands import World
from explorer.formats.span import Damaged, Span, TooMuch
from explorer.formats.zip_members import members

EXTRA_BYTES = 1 << 30
"""Memory for the reading itself, besides twice the file."""

CPU_SECONDS, BYTES_A_SECOND = 4, 25 << 20
"""Processor time for a small file, and what a larger one must be read at; both several times what is needed."""

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_KERAS_PARTS = ("model.weights.h5", "config.json", "metadata.json")


def read(path: Path, folder: Path) -> None:
    """Read a checkpoint and write what it holds into `folder`.

    Raises:
        CheckpointError: it is damaged, holds what is refused, or asks for too much.
    """
    handing = Handing(path, folder)
    try:
        _dump(path, handing)
    except TooMuch as error:
        raise CheckpointError(
            f"{path} holds {error}, which no checkpoint needs; save only the weights and try again."
        ) from error
    except Damaged as error:
        raise CheckpointError(
            f"{path} is cut off or damaged, so it cannot be read ({error}); copy or download it again."
        ) from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is cut off or damaged, so it cannot be read; copy or download it again."
        ) from error
    finally:
        handing.close()


def _dump(path: Path, handing: Handing) -> None:
    """Tell how the file lies on disk, and hand over its content while the file is still mapped."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        whole = Span(mapped, 0, len(mapped), True)
        if whole.head(8) == HDF5_MAGIC:
            _dump_hdf5(path, handing, "hdf5")
        elif whole.head(4) == b"PK\x03\x04" and any(part in members(whole) for part in _KERAS_PARTS):
            _dump_hdf5(path, handing, "keras")
        elif onnx_graph.looks_like(whole.head(16)):
            _dump_onnx(whole, path, handing)
        else:
            world = World(path, handing, torch_archive.read_nested)
            kind, content = torch_archive.read(whole, world)
            world.settle()
            handing.finish(kind, content)


def _dump_hdf5(path: Path, handing: Handing, kind: str) -> None:
    from explorer.formats import hdf5_dump  # with numpy and h5py, which the others need not

    handing.finish(kind, hdf5_dump.dump(path, handing))


def _dump_onnx(whole: Span, path: Path, handing: Handing) -> None:
    from explorer.formats import onnx_dump  # with numpy and onnxruntime

    handing.finish("onnx", onnx_dump.dump(whole, path, _allow))


def main(path: Path, folder: Path) -> None:
    """Be the child: read `path`, write what it holds into `folder`, tell the parent by lines of JSON."""
    gc.disable()  # much is made and nothing of it is waste
    try:
        _limit_itself(path.stat().st_size, _runs(path))
        _say(ready=True)
        read(path, folder)
    except CheckpointError as error:
        _say(error=str(error))
    except MemoryError:
        _say(error=f"{path} asks for far more memory than a file of its size needs, so it was not opened.")
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        _say(
            error=f"{path} could not be handed over ({reason}); make room for temporary files and try again."
        )
    else:
        _say(done=True)


def _say(**words: object) -> None:
    print(json.dumps(words), flush=True)


def _runs(path: Path) -> bool:
    """Tell whether a file is run here once, which takes longer, and more memory where weights lie beside it."""
    with path.open("rb") as file:
        return onnx_graph.looks_like(file.read(16))


def _limit_itself(size: int, runs: bool) -> None:
    """Limit the address space to what is in use plus twice the file plus 1 GB, and the time."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + 2 * size + EXTRA_BYTES
        resource.setrlimit(
            resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1] if runs else most)
        )
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Damage can make a library go round in circles, and should the parent be gone, nobody else ends it.
        most = int(READ_SECONDS if runs else min(READ_SECONDS, CPU_SECONDS + size / BYTES_A_SECOND))
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    except (ImportError, OSError, ValueError):  # not Linux: the time limit remains
        return


def _allow(more: int) -> None:
    """Allow the address space for weights that lie in other files, of so many bytes together."""
    try:
        import resource

        most, hardest = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY and more:
            resource.setrlimit(resource.RLIMIT_AS, (most + 2 * more, hardest))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
