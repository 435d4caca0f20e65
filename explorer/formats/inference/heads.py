"""How an encoder's heads may be read: which half is the mean, and what the other half means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from explorer.formats.inference.drafting import Setting
from explorer.formats.inference.gaps import between
from explorer.formats.inference.geometry import Path, Way
from explorer.formats.inference.links import Run
from explorer.formats.inference.parts import Parts
from explorer.formats.inference.slots import HeadsOption
from explorer.models.layered import Heads
from explorer.models.layers import Layer

_LOG = re.compile(r"log|ln", re.IGNORECASE)
_SIGMA = re.compile(r"sig|std|scale", re.IGNORECASE)
_SQUARED = re.compile(r"2|sq|var", re.IGNORECASE)


def heads_options(setting: Setting, parts: Parts, path: Path | None) -> tuple[HeadsOption, ...]:
    """Return the ways to read the heads, the cheapest first.

    Args:
        setting: of the file.
        parts: with an encoder.
        path: the ways of the encoder's links and of the first head.
    """
    if not parts.is_vae:
        return (HeadsOption(Heads("single")),)
    way = path.ways[len(parts.encoder)] if path and len(path.ways) > len(parts.encoder) else Way()
    mean, second = _layers(setting, parts.mean, way), _layers(setting, parts.second, way)
    return tuple(sorted(_options(parts, mean, second), key=lambda option: option.cost))


def _options(parts: Parts, mean: tuple[Layer, ...], second: tuple[Layer, ...]) -> Iterator[HeadsOption]:
    if parts.packed:
        yield HeadsOption(Heads("halves", mean))
        yield HeadsOption(Heads("interleaved", mean), 0.8)
        return
    name = parts.second[-1].unit.key.rpartition(".")[2]
    name = parts.second[0].unit.key if name.isdigit() or len(parts.second) > 1 else name
    sigma = bool(_SIGMA.search(name)) and not _SQUARED.search(name)
    if sigma and _LOG.search(name):
        costs = {"logsigma": 0.0, "logvar": 0.3, "sigma": 1.0}
    elif sigma:
        costs = {"sigma": 0.2, "logvar": 0.2, "logsigma": 0.3}
    else:
        costs = {"logvar": 0.0, "logsigma": 0.6, "sigma": 1.0}
    for meaning, cost in costs.items():
        yield HeadsOption(Heads("separate", mean, second, meaning), cost)  # type: ignore[arg-type]


def _layers(setting: Setting, run: Run, way: Way) -> tuple[Layer, ...]:
    """Return a head's layers; between two of them what the file states, else the usual activation."""
    found: list[Layer] = []
    for at, link in enumerate(run):
        if at:
            gap = between(setting.leaves, run[at - 1].unit, link.unit)
            words = gap.words or ("relu",)
            found += gap.stated or ((Layer(words[0]),) if gap.count or not gap.strict else ())
        if link.flat:
            found.append(Layer("linear", link.unit.key))
        else:
            options = {"stride": way.stride, "padding": way.padding} if way != Way() else {}
            found.append(Layer("conv", link.unit.key, {"kernel": link.kernel[0], **options}))
    return tuple(found)
