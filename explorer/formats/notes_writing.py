"""Writing `NAME.notes.json` (see `notes`): what changed goes in, all else that is in the file stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError, OutputError
from explorer.formats import sidecars
from explorer.formats.notes import (
    KIND,
    MOST_TEXT,
    NO_NOTES,
    SECTIONS,
    Notes,
    PlaceKey,
    StarredPlace,
    parse_place,
)
from explorer.formats.turns import turn_in
from explorer.paths import replacing, sidecar, write_text


def write(checkpoint: Path, notes: Notes, before: Notes = NO_NOTES) -> list[str]:
    """Write what `notes` say otherwise than `before` into the file, whole or not at all.

    The rest of the file stays, so that what somebody else wrote there meanwhile is not lost; of what both
    changed the last one wins. A part that is damaged or gone is begun anew, with all that `notes` say.

    Returns:
        Sentences about a file that could not be read and was set aside.

    Raises:
        OutputError: the file cannot be written.
    """
    place = sidecars.writable_place(checkpoint, KIND)
    with turn_in(place.parent):
        said, lost, complaints = _sections_of(place)
        beside = sidecar(checkpoint, KIND)
        shipped, _ = _usable(beside) if place != beside and beside.is_file() else ({}, set())
        before = _without_lost(before, lost, shipped)
        for section, new, old in (
            ("dimensions", notes.titles, before.titles),
            ("remarks", notes.remarks, before.remarks),
        ):
            words = _changed_words(said.get(section, {}), new, old, shipped.get(section, {}))
            if words or section in said:
                said[section] = words
        places = _changed_places(said.get("places", []), notes, before, shipped.get("places", []))
        if places or "places" in said:
            said["places"] = places
        write_text(place, _as_text(said))
    return complaints


def _without_lost(before: Notes, lost: Collection[str], shipped: Mapping[str, Any]) -> Notes:
    """Return what the files said before, of parts that are lost no more than the shipped file says."""
    places = [place for entry in shipped.get("places", []) if (place := parse_place(entry)) is not None]
    return Notes(
        _texts(shipped.get("dimensions", {})) if "dimensions" in lost else before.titles,
        _texts(shipped.get("remarks", {})) if "remarks" in lost else before.remarks,
        tuple(places) if "places" in lost else before.places,
    )


def _texts(words: Mapping[str, Any]) -> dict[str, str]:
    return {key: text for key, text in words.items() if isinstance(text, str) and text}


def _sections_of(place: Path) -> tuple[dict[str, Any], set[str], list[str]]:
    """Return what the file to be written holds, and the parts that are lost; a damaged file is copied aside."""
    if not place.is_file():
        return {}, set(SECTIONS), []
    said, lost = _usable(place)
    if not lost:
        return said, lost, []
    aside = _free_name(place)
    try:
        with replacing(aside) as temporary:
            shutil.copyfile(place, temporary)
    except OutputError as error:
        raise OutputError(f"{place} is damaged, so it was not written over: {error}") from error
    told = f"{place} could not be understood and was set aside as {aside.name}; a new one was begun."
    return said, lost, [told]


def _usable(path: Path) -> tuple[dict[str, Any], set[str]]:
    """Return the sound parts of a notes file, and the names of the others."""
    try:
        said = sidecars.read_json(path, MOST_TEXT)
    except CheckpointError:
        return {}, set(SECTIONS)
    lost = {name for name, kind in SECTIONS.items() if not isinstance(said.get(name, kind()), kind)}
    return {key: value for key, value in said.items() if key not in lost}, lost


def _free_name(place: Path) -> Path:
    """Return `NAME.notes.json.broken`, with a number where an earlier one is still there."""
    names = (place.with_name(f"{place.name}.broken{f'-{n}' if n > 1 else ''}") for n in range(1, 1000))
    return next((name for name in names if not name.exists()), place.with_name(f"{place.name}.broken"))


def _changed_words(
    on_disk: Mapping[str, Any], new: Mapping[str, str], old: Mapping[str, str], shipped: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the words on the disk with those that differ between `old` and `new` as in `new`."""
    words = dict(on_disk)
    for key in dict.fromkeys([*old, *new]):
        text = new.get(key, "")
        if text == old.get(key, ""):
            continue
        if text or shipped.get(key):
            words[key] = text  # an empty one takes the shipped one away
        else:
            words.pop(key, None)
    return words


def _changed_places(on_disk: list[Any], notes: Notes, before: Notes, shipped: list[Any]) -> list[Any]:
    """Return the entries on the disk with those places that differ between `before` and `notes` as in `notes`."""
    old, new = before.place_names, notes.place_names
    changed = {key for key in [*old, *new] if old.get(key) != new.get(key)}
    if not changed:
        return on_disk
    kept, known = [], set()
    for entry, key in zip(on_disk, _keys(on_disk), strict=True):
        known.add(key)
        if key in changed and key in new:
            kept.append(_entry(new[key], entry))
        elif key not in changed:
            kept.append(entry)
    kept += [_entry(p.name, _bare(p)) for p in notes.places if p.key in changed - known]
    gone = changed - new.keys()
    unstarred = [entry for entry, key in zip(shipped, _keys(shipped), strict=True) if key in gone]
    return kept + [{**entry, "starred": False} for entry in unstarred]


def _keys(entries: Iterable[Any]) -> list[PlaceKey | None]:
    places = [parse_place(entry) for entry in entries]
    return [place.key if place is not None else None for place in places]


def _bare(place: StarredPlace) -> dict[str, Any]:
    code = [float(str(value)) for value in np.asarray(place.code, np.float32)]
    return {"space": place.space, "code": code} | ({} if place.label is None else {"label": place.label})


def _entry(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a place with its name; whatever else stood in it stays."""
    entry = {key: value for key, value in entry.items() if key not in ("name", "starred")}
    return {**entry, "name": name} if name else entry


def _as_text(said: Mapping[str, Any]) -> str:
    """Return the file's text: a line each for what people read, long codes on one line."""
    lines = [f"  {_line(key)}: {_block(value)}" for key, value in said.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(value: Any) -> str:
    """Return a section as JSON, an entry a line."""
    if isinstance(value, dict) and value:
        inner = [f"    {_line(key)}: {_line(entry)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(inner) + "\n  }"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_line(entry)}" for entry in value) + "\n  ]"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
