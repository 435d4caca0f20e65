"""How often translated and swapped faces have the hair wished for; see `quality` and `checkpoints/hair_tags.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from explorer import paths
from explorer.errors import CheckpointError

from .quality_figure import HELD_OUT_FACES, QualityFigure, figure


def hair_translate(data: Path, checkpoint: Path | str = "hair-translate") -> list[QualityFigure]:
    """Dark hair that became blond."""
    return _judged("hair-translate", data, ["black", "brown"], ["blonde"], ["--stage", checkpoint])


def hair_translate_back(data: Path, checkpoint: Path | str = "hair-translate-back") -> list[QualityFigure]:
    """Blond hair that became dark."""
    return _judged("hair-translate-back", data, ["blonde"], ["black", "brown"], ["--stage", checkpoint])


def twin_faces(data: Path, checkpoint: Path | str = "twin-faces") -> list[QualityFigure]:
    """Blue hair that became red, and red hair that became blue."""
    from explorer.formats import open_latent

    blue, red = open_latent(checkpoint).model.heads
    return [
        entry
        for source, target, head in (("blue", "red", red), ("red", "blue", blue))
        for entry in _judged("twin-faces", data, [source], [target], ["--model", checkpoint, "--head", head])
    ]


def _judged(
    name: str, data: Path, source: Sequence[str], target: Sequence[str], change: Sequence[Path | str]
) -> list[QualityFigure]:
    """Return, for each kind of classifier, the share of faces seen with the target's hair, beside that before.

    A face counts that is seen with one of the colours of `target`.
    """
    script, folder = paths.checkpoints() / "hair_tags.py", data / "anime-faces-64"
    command = [sys.executable, script, folder / "faces.zip", folder / "tags.csv", "--last", HELD_OUT_FACES]
    command += ["--from", *source, "--to", *target, *change, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(paths.source_root())}
    done = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, check=False, env=environment
    )
    if done.returncode:
        raise CheckpointError(f"{script.name} could not judge {name}; it says why above.")
    means = json.loads(done.stdout)["means"]
    note = f"of {' and '.join(source)} hair, kept out; baseline: before"
    wished = f"{name}/{'+'.join(target)}"
    return [
        figure(f"{wished}/{kind}", mean["after"], "share", mean["before"], note)
        for kind, mean in means.items()
    ]
