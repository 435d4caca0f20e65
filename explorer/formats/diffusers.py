"""Folders of diffusers: `config.json` with a `_class_name` beside `diffusion_pytorch_model.safetensors` or `.bin`.

Read are the autoencoders whose codes are maps (AutoencoderKL, VQModel, AutoencoderTiny), by themselves or within a
pipeline's folder (`model_index.json`). What the network is, is found out in `map_autoencoders`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import beside, native, sidecars, torch_file
from explorer.formats.reader import HEAD_BYTES, Reader, Reading, hash_of
from explorer.formats.unknown import describe
from explorer.models.base import LatentModel, Origin

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("AutoencoderKL", "VQModel", "AutoencoderTiny")
"""What is read, by `_class_name`."""

_CONFIG, _PIPELINE = "config.json", "model_index.json"
_CLASS = "_class_name"
_USUAL = "diffusion_pytorch_model"
_MOST_INDEX = 16 << 20  # bytes
_MOST_PARTS = 200
_NAMED = 4  # files told in a sentence
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_INDEX = re.compile(r"\.(safetensors|bin)\.index(\.[\w-]+)?\.json$")


@dataclass(frozen=True, eq=False)
class _Loaded:
    """What was read.

    Attributes:
        folder: in which the network lies.
        said: its description.
        files: those with weights, in order.
        contents: of each what its reader found, and that reader's name.
        notes: which of several were taken.
    """

    folder: Path
    said: Mapping[str, Any]
    files: tuple[Path, ...]
    contents: tuple[tuple[str, Any], ...]
    notes: tuple[str, ...]


def _matches(head: bytes, path: Path) -> bool:
    """Tell whether a folder, its description or its weights were given; must not raise."""
    try:
        folder = beside.folder_of(path)
        if path.is_dir() or path.name in (_CONFIG, _PIPELINE):
            names = (_CONFIG, _PIPELINE) if path.is_dir() else (path.name,)
            return any(_class_in(folder / name) for name in names)
        named = _class_in(folder / _CONFIG)
        is_usual = bool(named) and path.name.startswith(_USUAL)
        return (is_usual or named in KINDS) and path in _weights(folder)
    except (OSError, ValueError):
        return False


def _class_in(path: Path) -> str:
    """Return the class that a description names; empty where there is none."""
    try:
        name = sidecars.read_json(path).get(_CLASS) if path.is_file() else None
    except (CheckpointError, OSError):
        name = _class_in_text(path)
    return name if isinstance(name, str) else ""


def _class_in_text(path: Path) -> str:
    """Return the class that a damaged description seems to name, so that its folder is still known for what it is."""
    try:
        with path.open("rb") as file:
            found = re.search(rb'"_class_name"\s*:\s*"(\w+)"', file.read(HEAD_BYTES))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _load(reading: Reading) -> _Loaded:
    folder, notes = _network_folder(reading)
    said = sidecars.read_json(folder / _CONFIG)
    if said.get(_CLASS) not in KINDS:
        raise CheckpointError(
            f"{folder} holds a {shown(said.get(_CLASS), 40)} of diffusers, which is not read here; "
            f"{', '.join(KINDS)} are."
        )
    given = reading.path if reading.path in _weights(folder) else None
    first, others = _chosen(folder, given)
    if others:
        also = ", ".join(shown(name, 80) for name in others[:_NAMED])
        notes.append(f"The weights are those of {shown(first.name, 80)}; there are also {also}.")
    files = _parts(folder, first) if first.suffix == ".json" else (first,)
    contents = []
    for at, path in enumerate(files):
        told = partial(_share, reading.on_progress, at, len(files))
        contents.append(_read(replace(reading, path=path, head=_head(path), on_progress=told)))
    return _Loaded(folder, said, files, tuple(contents), tuple(notes))


def _share(told: Callable[[float, str], None], at: int, count: int, fraction: float, text: str) -> None:
    told(0.75 * (at + fraction) / count, text)


def _network_folder(reading: Reading) -> tuple[Path, list[str]]:
    """Return the folder of the network itself, and a note where that is another than the given one.

    Raises:
        CheckpointError: it is a pipeline without such a network.
    """
    folder = beside.folder_of(reading.path)
    if (folder / _CONFIG).is_file() and reading.path.name != _PIPELINE:
        return folder, []
    listed = sidecars.read_json(folder / _PIPELINE)
    named = [
        name
        for name, value in listed.items()
        if isinstance(value, list) and len(value) == 2 and value[1] in KINDS and _is_plain(name)
    ]
    for name in sorted({*named, "vae"}, key=lambda name: name != "vae"):
        if (folder / name / _CONFIG).is_file():
            return folder / name, [f"Of the pipeline its {name} was taken."]
    raise CheckpointError(
        f"{folder} is a pipeline of diffusers without an autoencoder that is read here ({', '.join(KINDS)}); give the "
        "folder of one."
    )


def _is_plain(name: object) -> bool:
    """Tell whether a name from a file is that of something right in the folder, and leads nowhere else."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\:\0")


def _weights(folder: Path) -> list[Path]:
    """Return the files that hold weights or list such files, the one to take first of all.

    Usual names go before others, full precision before a variant (`.fp16.`), safetensors before pickles, one file
    before many.
    """
    found = []
    for path in sorted(folder.iterdir()):
        index = _INDEX.search(path.name)
        is_file = path.suffix in (".safetensors", ".bin") and not _SHARD.search(path.stem)
        if not (index or is_file) or not path.is_file():
            continue
        stem = path.name[: index.start()] if index else path.stem
        kind = index[1] if index else path.suffix[1:]
        is_variant = stem != _USUAL or bool(index and index[2])
        found.append(((not path.name.startswith(_USUAL), is_variant, kind == "bin", bool(index)), path))
    return [path for _, path in sorted(found, key=lambda each: each[0])]


def _chosen(folder: Path, given: Path | None) -> tuple[Path, list[str]]:
    """Return the file of weights to read, and the names of the others.

    Raises:
        CheckpointError: there is none.
    """
    found = _weights(folder)
    if not found:
        raise CheckpointError(
            f"{folder} has a {_CONFIG} but no weights beside it ({_USUAL}.safetensors or .bin); copy or download them."
        )
    first = given or found[0]
    return first, [path.name for path in found if path != first]


def _is_beside(folder: Path, name: str) -> bool:
    """Tell whether a file lies in a folder, or in the store of the downloads that the folder is a view of.

    Such a folder is `snapshots/REVISION/...`, its files are links into `blobs` beside `snapshots`.
    """
    target = (folder / name).resolve()
    stores = [parent.parent / "blobs" for parent in folder.resolve().parents if parent.name == "snapshots"]
    return target.parent in (folder.resolve(), *stores)


def _parts(folder: Path, index: Path) -> tuple[Path, ...]:
    """Return the files that an index names.

    Raises:
        CheckpointError: it is damaged, or names something that is not right in this folder.
    """
    listed = sidecars.read_json(index, _MOST_INDEX).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise CheckpointError(
            f"{index} does not say which files hold the weights; copy or download it again."
        )
    names = list(dict.fromkeys(map(str, listed.values())))
    if len(names) > _MOST_PARTS:
        raise CheckpointError(f"{index} names {len(names)} files, more than any network has; mend it.")
    for name in names:
        if not _is_plain(name) or not _is_beside(folder, name):
            raise CheckpointError(
                f"{index} names {shown(name, 80)}, which does not lie in its folder, so it was not followed; put the "
                "files side by side."
            )
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{index} names {shown(name, 80)}, which is not there; copy or download it as well."
            )
    return tuple(folder / name for name in names)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _read(reading: Reading) -> tuple[str, Any]:
    """Return what a file of weights holds, and what kind of file it is, by its first bytes."""
    for name, reader in (("safetensors", native.READER), ("torch", torch_file.READER)):
        if reader.matches(reading.head, reading.path):
            return name, reader.load(reading)
    raise CheckpointError(
        f"{reading.path} {describe(reading.head, reading.path)}; copy or download it again."
    )


def _build(loaded: _Loaded, reading: Reading) -> LatentModel:
    from explorer.formats import map_autoencoders

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    tensors, notes = _tensors(loaded, reading)
    model = map_autoencoders.build(
        tensors,
        loaded.said,
        reading,
        format_name="diffusers",
        origin=_origin(loaded, reading),
        notes=(*loaded.notes, *notes),
    )
    if reading.path.is_file():
        model.name = reading.path.absolute().parent.name
    return model


def _tensors(loaded: _Loaded, reading: Reading) -> tuple[dict[str, Tensor], Sequence[str]]:
    """Return the tensors of all files together, and notes on what was left out."""
    from explorer.formats import state_dict

    tensors: dict[str, Tensor] = {}
    notes: dict[str, None] = {}
    for path, (kind, content) in zip(loaded.files, loaded.contents, strict=True):
        inner = replace(reading, path=path)
        if kind == "torch":
            found = state_dict.weights_of(content.content, inner)
            notes |= dict.fromkeys((*content.notes, *found.notes))
        else:
            found = state_dict.cleaned(state_dict.Weights(content[1]), inner)
            notes |= dict.fromkeys(found.notes)
        tensors |= {f"{found.prefix}{key}": tensor for key, tensor in found.tensors.items()}
    return tensors, list(notes)


def _origin(loaded: _Loaded, reading: Reading) -> Origin:
    """Return where the model came from; weights in several files are named by the hashes of all."""
    if len(loaded.files) == 1:
        return reading.origin("diffusers", weights=loaded.files[0])
    return Origin(reading.path, "diffusers", partial(_hash_of_all, loaded.files), reading.hints.told)


def _hash_of_all(files: Sequence[Path]) -> str:
    return hashlib.sha256(json.dumps([hash_of(path) for path in files]).encode()).hexdigest()


READER = Reader(
    "diffusers autoencoder (config.json, diffusion_pytorch_model.safetensors)",
    _matches,
    _load,
    _build,
    beside.folder_of,
)
