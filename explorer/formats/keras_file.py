"""Keras models: `.h5` of Keras 1 and 2, `.keras` of Keras 3, run by an interpreter of their own description.

Nothing of Keras is needed and nothing in a file is run. An encoder is taken from the same file, or from the file
beside it whose name says "encoder" where this one's says "decoder".
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError
from explorer.formats import beside, isolated
from explorer.formats.reader import Reader, Reading

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

HDF5 = b"\x89HDF\r\n\x1a\n"
MOST_TEXT = 16 << 20  # bytes of a description beside the weights
_MOST_TEXTS = 20
_SISTERS = (("decoder", "encoder"), ("Decoder", "Encoder"), ("DECODER", "ENCODER"), ("dec", "enc"))
SUFFIXES = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True, eq=False)
class Loaded:
    """What was read.

    Attributes:
        content: of the file; see `hdf5_dump`.
        beside: of the file with the encoder, and where that lies.
        texts: descriptions that lie beside a file of weights, with their names.
        settings: of a folder of the Generative Deep Learning book.
        notes: for people.
        format: name of the format.
        weights: the file whose hash stands for the model's; the opened one if None.
    """

    content: Mapping[str, Any]
    beside: tuple[Path, Mapping[str, Any]] | None = None
    texts: tuple[tuple[str, str], ...] = ()
    settings: tuple[Any] | None = None
    notes: tuple[str, ...] = ()
    format: str = "keras"
    weights: Path | None = None


def matches(head: bytes, path: Path) -> bool:
    """HDF5, or a zip with a model's description and weights."""
    return head.startswith(HDF5) or (head.startswith(b"PK\x03\x04") and _is_keras_zip(path))


def _is_keras_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "model.weights.h5" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return False


def load(reading: Reading) -> Loaded:
    """Read the file in a child process, and what belongs to it beside it."""
    handed = read(reading.path, reading)
    content = handed.content
    sister = sister_of(reading.path)
    beside = None
    notes = list(handed.notes)
    if sister is not None:
        try:
            beside = (sister, read(sister, reading).content)
        except CheckpointError as error:
            notes.append(f"The encoder beside it was left out: {error}")
    texts = () if content.get("config") else tuple(_texts_beside(reading.path))
    return Loaded(content, beside, texts, None, tuple(notes))


def read(path: Path, reading: Reading) -> isolated.Handed:
    """Return what a Keras file holds, read in a child process.

    Raises:
        CheckpointError: it is damaged, or no Keras file.
    """
    reading.on_progress(0.02, f"Starting a separate process to read {path.name}")
    with isolated.start(path) as child:
        import torch  # noqa: F401 (while the child does its work)

        handed = child.result(reading.on_progress, reading.should_stop)
    if not isinstance(handed.content, dict) or handed.content.get("format") != "keras":
        raise CheckpointError(f"{path} is no Keras file; save it again with model.save(path).")
    return handed


def sister_of(path: Path) -> Path | None:
    """Return the file beside a decoder's whose name says "encoder" in its place; None without one."""
    return _named_otherwise(path, _SISTERS)


def decoder_beside(path: Path) -> Path | None:
    """Return the file beside an encoder's whose name says "decoder" in its place; None without one."""
    return _named_otherwise(path, [(theirs, ours) for ours, theirs in _SISTERS])


def _named_otherwise(path: Path, pairs: Sequence[tuple[str, str]]) -> Path | None:
    for ours, theirs in pairs:
        at = [match.start() for match in re.finditer(ours, path.name)]
        for start in at:
            sister = path.with_name(path.name[:start] + theirs + path.name[start + len(ours) :])
            if sister != path and sister.is_file() and _is_keras_file(sister):
                return sister
    return None


def _is_keras_file(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return matches(file.read(8), path)
    except OSError:
        return False


def _texts_beside(path: Path) -> list[tuple[str, str]]:
    """Return the descriptions of models beside a file of weights: JSON with a class and its layers."""
    try:
        found = sorted(
            entry for entry in path.parent.iterdir() if entry.suffix.lower() == ".json" and entry.is_file()
        )
        found.sort(key=lambda entry: not path.stem.startswith(entry.stem))
        texts = []
        for entry in found[:_MOST_TEXTS]:
            if entry.stat().st_size <= MOST_TEXT:
                text = entry.read_text(encoding="utf-8-sig", errors="replace")
                if '"class_name"' in text[:MOST_TEXT] and '"layers"' in text:
                    texts.append((entry.name, text))
        return texts
    except OSError:
        return []


def build(loaded: Loaded, reading: Reading) -> LatentModel | StageModel:
    """Return the model of what was read.

    Raises:
        CheckpointError: nobody can make a generator of it; the text says why.
    """
    from explorer.formats import keras_making

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    return keras_making.made(loaded, reading)


def first_number(version: Any, metadata: str | None = None) -> int:
    """Return the first number of the version of Keras that wrote a file: 1 where it says none."""
    said = version if isinstance(version, str) else ""
    if not said and metadata:
        match = re.search(r'"keras_version"\s*:\s*"(\d+)', metadata)
        said = match[1] if match else "3"
    match = re.match(r"(\d+)", said)
    return int(match[1][:3]) if match else 1


def described_models(content: Mapping[str, Any], texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return descriptions that may belong to weights, with the file each stands in ("" for the same)."""
    config = content.get("config")
    return [("", config)] if isinstance(config, str) else list(texts)


READER = Reader("Keras (.keras, .h5)", matches, load, build, beside.folder_of)
