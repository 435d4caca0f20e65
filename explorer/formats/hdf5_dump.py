"""HDF5 files and `.keras` zips to plain content, in the child process: weights, their names and the model's JSON.

Only what lies in the file itself, behind hard links, is read: external and soft links, external storage, virtual
data sets and anything that is no plain number are refused. Nothing here knows what a layer is. No torch.

The content is a dict: `format` "keras"; `config`, the model's JSON text or None; `version` and `backend` as stated;
`layers`, the weights by layer in the file's order where it lists them (`[{name, names, weights}]`); `tree`, all
weights by path where it does not.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError
from explorer.formats.span import Damaged, Span
from explorer.formats.zip_members import members

if TYPE_CHECKING:
    import h5py

    from explorer.formats.handing import Handing, Reference

SIGNATURE = b"\x89HDF\r\n\x1a\n"
WEIGHTS = "model.weights.h5"
MOST_TEXT = 64 << 20
_MOST_OBJECTS = 200_000
_DEEPEST = 60
_MOST_REASON = 80
_FILTERS = {1, 2, 3, 4, 32000}  # gzip, shuffle, checksum, szip, lzf
_KINDS = "fiub"
_NOT_WEIGHTS = {"optimizer_weights", "optimizer", "_optimizer"}


class _Refused(Exception):
    """Something that is not read; the text follows the file's name."""


def dump(path: Path, handing: Handing) -> dict[str, Any]:
    """Return what a Keras file holds.

    Raises:
        CheckpointError: it is damaged, or has something in it that reaches outside.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            whole = Span(data, 0, len(data), True)
            if data[:4] == b"PK\x03\x04":
                return _zip(whole, handing, path.stat().st_size)
        return _Dumper(handing, path.stat().st_size).file(str(path), 0)
    except _Refused as error:
        raise CheckpointError(f"{path} {error}.") from error
    except (Damaged, OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise CheckpointError(
            f"{path} is a damaged HDF5 file of Keras ({_reason(error)}); copy or download it again."
        ) from error


def _reason(error: Exception) -> str:
    """Return what is wrong, in whole words."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "truncated file" in text:
        return "it is cut off"
    return text if len(text) <= _MOST_REASON else f"{text[:_MOST_REASON].rpartition(' ')[0]} ..."


def _zip(whole: Span, handing: Handing, size: int) -> dict[str, Any]:
    found = members(whole)
    if WEIGHTS not in found or "config.json" not in found:
        raise _Refused("is a zip without a Keras model; save it again with model.save(path)")
    member = found[WEIGHTS]
    if member.size > _most_bytes(size):
        raise _Refused("unpacks to far more than a file of its size should; save it again")
    data = member.unpacked(_most_bytes(size))
    content = _Dumper(handing, size).file(io.BytesIO(data), member.data.start if member.stored else None)
    content["config"] = _text(found["config.json"].unpacked(MOST_TEXT))
    if "metadata.json" in found:
        content["metadata"] = _text(found["metadata.json"].unpacked(1 << 16))
    return content


def _most_bytes(size: int) -> int:
    return 4 * size + (64 << 20)


def _text(value: Any) -> str | None:
    """Return a text that was stored as bytes or as a text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str) else None


class _Dumper:
    """Walks one HDF5 file.

    `_base` is where the HDF5 bytes begin in the opened file; None where they were unpacked.
    """

    def __init__(self, handing: Handing, size: int) -> None:
        self._handing = handing
        self._most = _most_bytes(size)
        self._read = 0
        self._objects = 0
        self._base: int | None = None

    def file(self, source: str | io.BytesIO, base: int | None) -> dict[str, Any]:
        """Return the content of a file."""
        import h5py

        self._base = base
        with h5py.File(source, "r") as file:
            content: dict[str, Any] = {"format": "keras", "config": self._attribute(file, "model_config")}
            content["version"] = self._attribute(file, "keras_version")
            content["backend"] = self._attribute(file, "backend")
            weights = self._child(file, "model_weights") if "model_weights" in file else file
            if not isinstance(weights, h5py.Group):
                raise _Refused("holds its weights where no group of them is; it is damaged")
            names = self._names(weights, "layer_names")
            content["version"] = content["version"] or self._attribute(weights, "keras_version")
            if names is None:
                content["tree"] = dict(self._tree(weights, "", 0, set()))
            else:
                content["layers"] = [self._layer(weights, name) for name in names]
            return content

    def _attribute(self, group: h5py.Group, name: str) -> str | None:
        """Return an attribute that is a text; None where it is not there."""
        if name not in group.attrs:
            return None
        value = group.attrs[name]
        text = _text(value if isinstance(value, bytes | str) else getattr(value, "item", lambda: None)())
        if text is not None and len(text) > MOST_TEXT:
            raise _Refused("describes its model in a text that is far too long")
        return text

    def _names(self, group: h5py.Group, name: str) -> list[str] | None:
        """Return an attribute that is a list of texts, which Keras splits when it is long; None without it."""
        if name in group.attrs:
            return self._texts(group, name)
        found: list[str] = []
        index = 0
        while f"{name}{index}" in group.attrs and index < 10_000:
            found += self._texts(group, f"{name}{index}")
            index += 1
        return found if index else None

    def _texts(self, group: h5py.Group, name: str) -> list[str]:
        value = group.attrs[name]
        texts = [
            _text(entry) for entry in (value.tolist() if hasattr(value, "tolist") else list(value or []))
        ]
        if len(texts) > _MOST_OBJECTS or any(text is None for text in texts):
            raise _Refused(f"has a list {name[:40]} of something else than names; it is damaged")
        return [text for text in texts if text is not None]

    def _layer(self, weights: h5py.Group, name: str) -> dict[str, Any]:
        group = self._found(weights, name)
        names = (self._names(group, "weight_names") if group is not None else None) or []
        if group is None or not hasattr(group, "keys"):
            return {"name": name, "names": [], "weights": []}
        arrays = [(weight, self._found(group, weight)) for weight in names]
        known = [(weight, array) for weight, array in arrays if array is not None]
        return {
            "name": name,
            "names": [weight for weight, _ in known],
            "weights": [self._data(array, weight) for weight, array in known],
        }

    def _found(self, group: h5py.Group, path: str) -> Any:
        """Return what lies at a path within a group, None where nothing does."""
        here: Any = group
        for part in path.split("/"):
            if not part or part == ".":
                continue
            if not hasattr(here, "keys") or part not in here:
                return None
            here = self._child(here, part)
        return here

    def _child(self, group: h5py.Group, name: str) -> Any:
        """Return a member of a group.

        Raises:
            _Refused: it lies in another file, or is only a name for another place.
        """
        import h5py

        self._objects += 1
        if self._objects > _MOST_OBJECTS:
            raise _Refused("holds more groups and data sets than any network; it is damaged")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _Refused(
                f"holds a link to another place or file ({name[:40]}), which is not followed; save it again"
            )
        return group[name]

    def _tree(
        self, group: h5py.Group, path: str, depth: int, above: set[int]
    ) -> Iterator[tuple[str, Reference]]:
        """Yield all data sets below a group with their paths, in the file's own order of names."""
        import h5py

        address = h5py.h5o.get_info(group.id).addr
        if depth > _DEEPEST or address in above:
            raise _Refused("holds groups within groups without end; it is damaged")
        for name in group:
            if not depth and name in _NOT_WEIGHTS:
                continue
            place = f"{path}/{name}" if path else name
            child = self._child(group, name)
            if isinstance(child, h5py.Group):
                yield from self._tree(child, place, depth + 1, above | {address})
            elif isinstance(child, h5py.Dataset) and child.dtype.kind in _KINDS:
                yield place.replace("\\", "/"), self._data(child, place)
            elif isinstance(child, h5py.Dataset) and child.dtype.hasobject:
                raise _Refused(
                    f"holds objects instead of numbers ({place[:60]}); save it again with numbers only"
                )

    def _data(self, dataset: Any, place: str) -> Reference:
        """Hand over a data set.

        Raises:
            _Refused: it isn't plain numbers that lie in this file.
        """
        import h5py

        if not isinstance(dataset, h5py.Dataset):
            raise _Refused(f"holds no numbers where {place[:60]} should be; it is damaged")
        if dataset.dtype.kind not in _KINDS or dataset.dtype.hasobject or dataset.shape is None:
            raise _Refused(
                f"holds something else than numbers ({place[:60]}); save it again with numbers only"
            )
        if dataset.is_virtual or dataset.external:
            raise _Refused(
                f"keeps {place[:60]} in another file, which is not opened; save it again in one piece"
            )
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
        if any(number not in _FILTERS for number in filters):
            raise _Refused(
                f"packs {place[:60]} in a way that is not known here; save it again without compression"
            )
        self._read += dataset.nbytes
        if self._read > self._most:
            raise _Refused("asks for far more memory than a file of its size needs, so it was not opened")
        offset = dataset.id.get_offset() if not filters and dataset.chunks is None else None
        kind = dataset.dtype.name
        if offset is not None and self._base is not None and kind in ("float32", "float64", "float16"):
            swapped = dataset.dtype.byteorder == ">"
            return self._handing.part(self._base + offset, kind, dataset.shape, swapped=swapped)
        return self._handing.tensor(dataset[()] if dataset.shape else dataset[...])
