"""Opens files under an audit hook and prints what happened, as a line of JSON for each: `python watched.py FILE...`.

Each file is opened twice: through `open_checkpoint`, and by the child's own code in this very process. The hook
is that of `watcher/sitecustomize.py`, which Python imports by itself here and in every process started here.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path


def happened(door, path):
    """Open `path` through `door` and return what came of it."""
    from explorer.errors import CheckpointError

    before, start = os.times(), time.monotonic()
    try:
        door(path)
        said = None
    except CheckpointError as error:
        said = str(error)
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    after = os.times()
    return {
        "file": path.name,
        "door": door.__name__,
        "said": said,
        "cpu": sum(after[:4]) - sum(before[:4]),
        "wall": time.monotonic() - start,
    }


def through_the_public_door(path):
    from explorer.formats import open_checkpoint

    open_checkpoint(path)


def by_the_childs_code(path):
    from explorer.formats import child

    with tempfile.TemporaryDirectory() as folder:
        child.read(path, Path(folder))


def main():
    import torch  # noqa: F401 (what it does while it is imported is not what is watched)

    from explorer.formats import open_checkpoint, recognition, torch_archive  # noqa: F401

    for name in sys.argv[1:]:
        for door in (through_the_public_door, by_the_childs_code):
            os.environ["WATCHED_NOW"] = f"{door.__name__}:{Path(name).name}"
            print(json.dumps(happened(door, Path(name))), flush=True)


if __name__ == "__main__":
    main()
