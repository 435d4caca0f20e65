"""`train` and `bench`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import Device, pairs
from explorer.data.wording import counted
from explorer.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from explorer.training import Recipe


def train(
    recipe: Annotated[str | None, typer.Argument(metavar="RECIPE", help="What to train; see --list.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder, zip, npz or idx of pictures.")
    ] = None,
    data_b: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The second collection, for recipes that learn from two."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FILE", help="A checkpoint that the recipe builds on.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run's folder; model.safetensors is the result.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Change a setting of the recipe; repeatable."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the network is trained.")] = Device.auto,
    devices: Annotated[int, typer.Option(metavar="N", help="How many devices of a machine.")] = 1,
    num_nodes: Annotated[int, typer.Option(metavar="N", help="How many machines.")] = 1,
    precision: Annotated[
        str, typer.Option(metavar="32-true|bf16-mixed|16-mixed", help="What numbers are computed with.")
    ] = "32-true",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    list: Annotated[
        bool, typer.Option("--list", help="Name the recipes; after RECIPE: its settings.")
    ] = False,
) -> None:
    """Train a model on your own pictures; Ctrl-C keeps what was reached, --resume goes on."""
    from explorer import training
    from explorer.cli.work import progress, say

    if list:
        _print_recipe(training.recipe_called(recipe)) if recipe else _print_recipes(training.recipes())
        return
    if recipe is None or data is None or out is None:
        raise UsageError(
            "Give RECIPE, --data PATH and --out FOLDER; `train --list` names the recipes, `train RECIPE --list` the "
            "settings of one."
        )
    settings = pairs(set, "--set")
    with progress() as report:
        result = training.train(
            recipe,
            data,
            data_b=data_b,
            model=model,
            out=out,
            settings=settings,
            device=device.value,
            devices=devices,
            num_nodes=num_nodes,
            precision=precision,
            resume=resume,
            on_progress=report,
            on_epoch=_nothing if sys.stderr.isatty() else say,
        )
    if result.is_first:
        how = "finished" if result.finished else "stopped early, --resume goes on"
        epochs = counted(result.epochs, "epoch")
        say(*result.notes, f"{result.checkpoint}: {how} after {epochs} in {result.seconds:.0f} s.")


def _nothing(text: str) -> None:
    """Leave the telling to the bar."""


def _print_recipes(recipes: Mapping[str, Recipe]) -> None:
    """Print what each makes, and of what."""
    from explorer.cli.work import print_table, say

    table = _table("RECIPE", "makes", "takes")
    for recipe in recipes.values():
        takes = ("--data", "--data-b" if recipe.needs_second else "", "--model" if recipe.needs_model else "")
        table.add_row(recipe.name, recipe.summary, " ".join(filter(None, takes)))
    print_table(table)
    say("`train RECIPE --list` names the settings of one.")


def _print_recipe(recipe: Recipe) -> None:
    """Print the settings and the sources of one."""
    from explorer.cli.work import print_table

    table = _table("--set", "default", "meaning")
    table.title, table.title_justify = f"{recipe.name}: {recipe.summary}", "left"
    table.caption, table.caption_justify = recipe.source, "left"
    for setting in recipe.described:
        table.add_row(setting.name, setting.default, setting.help)
    print_table(table)


def _table(*titles: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def bench(
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON to standard output instead of a table.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Measure only this, or all below it (decode); repeatable."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD.json",
            help="Say what got better or worse since the figures that an earlier `bench --json` wrote.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FIGURES.json",
            help="Measure nothing; print the figures that an earlier `bench --json` wrote as a Markdown table.",
        ),
    ] = None,
    quality: Annotated[
        bool,
        typer.Option(
            "--quality", help="Measure instead how good the bundled models are, on reference data; see below."
        ),
    ] = False,
) -> None:
    """Measure the program: what a move of a slider costs, how long decoding takes, how fast it starts.

    Each figure stands beside a plain way of doing the same, measured in turn with it; the ratio is ours / plain, below
    1 for times that are shorter, above 1 for rates that are higher. docs/performance.md tells what each is.

    With `--compare` each figure is judged against an older one, by its ratio to the plain baseline where both
    have one: a change counts from 15 % on, if it is more than the samples scatter. With `--json` each figure then
    has `old` and `change` (`verdict`: better, worse or same; `factor`: new / old).

    With `--quality` the figures are those of checkpoints/README.md, of the bundled models or those that `--only`
    names; the data they are measured on lies in the folder that the variable EXPLORER_REFERENCE_DATA names.
    """
    if quality and compare is not None:
        raise UsageError("--compare judges figures of speed, --quality measures none; leave one of them out.")
    if table is not None and (quality or json or only or compare):
        raise UsageError("--table prints what was measured before; leave out the other options, or --table.")
    from explorer import paths

    folder = paths.benchmarks()
    if not (folder / "__init__.py").is_file():
        raise UsageError(f"There are no benchmarks at {folder}; install the program again.")
    sys.path.insert(0, str(folder.parent))
    try:
        import benchmarks
    finally:
        sys.path.remove(str(folder.parent))
    if table is not None:
        benchmarks.print_table(table)
    elif quality:
        benchmarks.run_quality(only or [], json)
    else:
        benchmarks.run(only or [], json, compare)
