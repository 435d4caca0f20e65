"""Opens files under an audit hook: each line of standard input, "DOOR PATH", is answered by a line of JSON.

The hook is that of `watcher/sitecustomize.py`, which Python imports by itself here and in every process started
from here.
"""

import json
import os
import sys
import time
from pathlib import Path

from checkpoints_read import InProcess

from explorer.errors import CheckpointError
from explorer.formats import isolated, open_checkpoint, recognition, state_dict  # noqa: F401

CHILD = isolated.start


def happened(door, path):
    """Open `path` through `door` and return what came of it."""
    os.environ["WATCHED_NOW"] = f"{door}:{path.name}"
    isolated.start = {"child process": CHILD, "one process": InProcess}[door]
    before, start = os.times(), time.monotonic()
    try:
        open_checkpoint(path)
        said = None
    except CheckpointError as error:
        said = str(error)
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    after = os.times()
    return {"said": said, "cpu": sum(after[:4]) - sum(before[:4]), "wall": time.monotonic() - start}


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(happened(asked["door"], Path(asked["path"]))), flush=True)
