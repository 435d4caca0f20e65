"""What `make bench` and `latent-explorer bench` run: figures by name, each measured beside a plain baseline.

This folder is no part of the package `explorer`; the command line loads it by its path. `_figures()` names what
can be measured; what belongs in here is measuring only.
"""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import UsageError

if TYPE_CHECKING:
    from .measure import Figure

Measure = Callable[[], "Figure"]

CHAINED = {"anime-faces": "anime-colorizer"}
"""Models whose strips are also measured through a stage."""

STRIPS = ("dcgan-64", "gdl-vae-128", "stylegan2-256")
SHEETS = ("dcgan-64", "gdl-vae-128")
"""Networks of real size that have figures of a strip and a sheet; one of the others takes minutes."""


def run(only: list[str], json: bool, old: Path | None = None) -> None:
    """Measure the figures that `only` names, or lie below such a name (`decode`); all without any.

    A table goes to standard output, or with `json` a list of figures; progress goes to standard error. `old` is
    what an earlier run printed with `json`: the table then tells what changed, and the list holds both.

    Raises:
        UsageError: no figure is called so.
        FiguresError: `old` cannot be read; nothing was measured.
    """
    from . import compare, tables

    before = compare.read(old) if old is not None else None
    figures = _figures()
    chosen = [name for name in figures if not only or any(_is_below(name, wanted) for wanted in only)]
    for wanted in only:
        if not any(_is_below(name, wanted) for name in figures):
            raise UsageError(f"There is no figure called {wanted}; choose from: {', '.join(figures)}.")
    machine = _machine()
    print(machine, file=sys.stderr)
    measured = tables.by_group(_measured(chosen, figures))
    if json:
        entries = [
            figure.as_json() if before is None else compare.as_json(before.get(figure.name), figure)
            for figure in measured
        ]
        print(json_text.dumps(entries, indent=1))
    elif before is None:
        tables.print_figures(measured, machine)
    else:
        tables.print_changes(measured, before, machine)


def print_table(path: Path) -> None:
    """Print figures that an earlier run printed with `json` as a Markdown table; measure nothing.

    Raises:
        FiguresError: they cannot be read.
    """
    from . import compare, tables

    print(tables.markdown(list(compare.read(path).values())))


def run_quality(only: list[str], json: bool) -> None:
    """Measure how good the models are that `only` names, or all bundled ones; see `quality`.

    Raises:
        UsageError: there is no such model, or no reference data.
    """
    from . import quality

    quality.run(only, json)


def _measured(chosen: list[str], figures: dict[str, Measure]) -> list[Figure]:
    """Measure figures one after the other, telling which."""
    from . import windows

    measured = []
    with windows.Lab([name for name in chosen if name in windows.NAMES]) as lab:
        for name in chosen:
            print(f"{name} ...", file=sys.stderr)
            measured.append(lab.figure(name) if name in windows.NAMES else figures[name]())
    return measured


def _figures() -> dict[str, Measure]:
    """Return all figures by name, in the order they are measured in: each network's together, the window's first."""
    from . import decoding, dragging, exports, maps, networks, switching, windows

    found: dict[str, Measure] = dict.fromkeys(windows.NAMES)  # type: ignore[assignment]
    found |= dragging.figures()
    found |= switching.FIGURES
    for model in decoding.latent_models():
        found |= _of_model(model, has_encoder=decoding.has_encoder(model), has_strip=True, has_sheet=True)
    for model in networks.LATENT:
        encodes = model in decoding.ENCODED_OF
        found |= _of_model(model, has_encoder=encodes, has_strip=model in STRIPS, has_sheet=model in SHEETS)
    for stage in [*decoding.stages(), *networks.STAGES]:
        for precision in ("exact", "fast"):
            name = f"apply/{stage}/{precision}"
            found[name] = partial(decoding.apply, name, stage, precision)  # type: ignore[arg-type]
    found |= {name: partial(measure, name) for name, measure in exports.FIGURES.items()}
    return found | {name: partial(maps.frame, name) for name in maps.NAMES}


def _of_model(model: str, *, has_encoder: bool, has_strip: bool, has_sheet: bool) -> dict[str, Measure]:
    """Return the figures of one generator."""
    from . import decoding

    found: dict[str, Measure] = {}
    for precision in ("exact", "fast"):
        chain = CHAINED.get(model, "")
        ways = {
            f"decode/{model}/{precision}": (True, decoding.decode, ()),
            f"strip/{model}/{precision}": (has_strip, decoding.strip, ()),
            f"strip/{model}+{chain}/{precision}": (bool(chain), decoding.strip, (chain,)),
            f"sheet/{model}/{precision}": (has_sheet, decoding.sheet, ()),
        }
        for name, (is_there, measure, more) in ways.items():
            if is_there:
                found[name] = partial(measure, name, model, precision, *more)  # type: ignore[operator]
    if model.startswith("stylegan2"):
        found[f"decode/{model}/floor"] = partial(decoding.floor, f"decode/{model}/floor", model)
    name = f"throughput/{model}/fast"
    found[name] = partial(decoding.throughput, name, model)
    if has_encoder:
        found[f"encode/{model}"] = partial(decoding.encode, f"encode/{model}", model)
    return found


def _machine() -> str:
    from . import machine

    return machine.describe()


def _is_below(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(wanted.rstrip("/") + "/")
