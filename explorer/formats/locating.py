"""From what a person names to the checkpoint: a path, a bundled model, or the newest in the folder of a run."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import CheckpointError
from explorer.formats import run_epochs, run_folder
from explorer.paths import bundled


def located(path_or_name: Path | str) -> Path:
    """Return the path of a file, of a bundled checkpoint of that name, or of the newest in the folder of a run.

    Raises:
        CheckpointError: there is none.
    """
    path = Path(path_or_name)
    try:
        path = path.expanduser()
        if path.exists() or path.is_symlink():
            return run_epochs.last_of(path) if run_folder.is_run(path) else path
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{str(path)[:80]!r} is no usable file name; check its spelling.") from error
    known = bundled()
    if str(path_or_name) in known:
        return known[str(path_or_name)]
    names = f" (bundled models: {', '.join(known)})" if known else ""
    raise CheckpointError(f"There is no file {path}{names}; check the spelling.")
