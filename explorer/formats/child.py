"""The child process of `isolated`: `python -P -m explorer.formats.child FILE FOLDER`.

It imports torch, limits its memory to what it has plus twice the file plus 1 GB, reads the file with the
restricted loader, writes the tensors to `FOLDER/tensors.safetensors`, and tells the parent by lines of JSON
on standard output.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from explorer.errors import CheckpointError
from explorer.formats import torch_load
from explorer.formats.isolated import READ_SECONDS, START_SECONDS

EXTRA_BYTES = 1 << 30
"""Memory for the reading itself, besides twice the file."""


def _say(**words: object) -> None:
    print(json.dumps(words), flush=True)


def _limit_itself(size: int) -> None:
    """Limit the address space to what is in use plus twice the file plus 1 GB, and the time."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + 2 * size + EXTRA_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = int(START_SECONDS + READ_SECONDS)  # should the parent be gone, nobody else ends it
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    except (ImportError, OSError, ValueError):  # not Linux: the time limit remains
        return


def _separate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with memory of their own, as safetensors wants them; only shared ones are copied."""
    separate: dict[str, Tensor] = {}
    seen: set[int] = set()
    for key, tensor in tensors.items():
        storage = tensor.untyped_storage()
        alone = storage.data_ptr() not in seen and storage.nbytes() == tensor.nbytes
        seen.add(storage.data_ptr())
        separate[key] = tensor if alone else tensor.clone()
    return separate


def main(path: Path, folder: Path) -> None:
    """Be the child: read `path`, write the tensors into `folder`, tell the parent by lines of JSON."""
    try:
        _limit_itself(path.stat().st_size)
        _say(ready=True)
        loaded = torch_load.load(path)
        save_file(_separate(loaded.tensors), folder / "tensors.safetensors")
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
        _say(done={"keys": list(loaded.tensors), "modules": loaded.modules, "notes": loaded.notes})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
