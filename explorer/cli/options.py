"""Options that several commands share, declared once; and how they are put into a command's signature."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.export.recipe import Style


class Device(StrEnum):
    """Where the network runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Precision(StrEnum):
    """Whether speed may cost the last bits."""

    exact = "exact"
    fast = "fast"


class Noise(StrEnum):
    """Noise of networks that have noise inputs."""

    const = "const"
    none = "none"
    random = "random"


_MODEL = "Model"
_PAGE = "Page"
_COLOUR = re.compile("#[0-9a-fA-F]{6}")

CheckpointArgument = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A checkpoint, or the name of a bundled model such as anime-faces."),
]


@dataclass(frozen=True)
class Engine:
    """How a network is read and run."""

    device: Annotated[Device, typer.Option(rich_help_panel=_MODEL, help="Where the network runs.")] = (
        Device.auto
    )
    precision: Annotated[
        Precision | None,
        typer.Option(
            rich_help_panel=_MODEL,
            show_default="exact; of replay, that of the recipe",
            help="exact: the same bits for any number of pictures.",
        ),
    ] = None
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            rich_help_panel=_MODEL,
            help="Tell the reader what the file does not say; repeatable.",
        ),
    ] = None

    @property
    def hints(self) -> dict[str, str]:
        """The hints by key."""
        return pairs(self.hint, "--hint")


@dataclass(frozen=True)
class Decoding(Engine):
    """How codes become pictures."""

    space: Annotated[
        str | None,
        typer.Option(rich_help_panel=_MODEL, show_default="the first", help="The latent space of the codes."),
    ] = None
    stage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_MODEL,
            help="An image-to-image network to run after it; repeatable.",
        ),
    ] = None
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy|N",
            rich_help_panel=_MODEL,
            help="Class of each code, (N,) numbers or (N, classes) one-hot; or one number for all.",
        ),
    ] = None
    head: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=_MODEL, help="Which output, where there are several."),
    ] = None
    psi: Annotated[
        float | None, typer.Option(rich_help_panel=_MODEL, help="Truncation towards the average.")
    ] = None
    psi_cutoff: Annotated[
        int | None,
        typer.Option(min=0, rich_help_panel=_MODEL, help="Truncate only the first so many layers."),
    ] = None
    noise: Annotated[Noise | None, typer.Option(rich_help_panel=_MODEL, help="Noise inputs.")] = None
    noise_seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=2**31 - 1, rich_help_panel=_MODEL, help="Seed of random noise; 0 if left out."
        ),
    ] = None
    transform: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy", rich_help_panel=_MODEL, help="A (3, 3) matrix that moves the picture."
        ),
    ] = None


@dataclass(frozen=True)
class Layout:
    """How pictures are laid on a page."""

    scale: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            rich_help_panel=_PAGE,
            show_default="so that small pictures reach 128 pixels",
            help="Enlarge every pixel this many times; 1 keeps the pictures' own pixels.",
        ),
    ] = None
    margin: Annotated[
        int,
        typer.Option(min=0, max=1000, rich_help_panel=_PAGE, help="Pixels of background around everything."),
    ] = 0
    gap: Annotated[
        int,
        typer.Option(min=0, max=1000, rich_help_panel=_PAGE, help="Pixels of background between pictures."),
    ] = 0
    captions: Annotated[
        bool | None,
        typer.Option(
            "--captions/--no-captions",
            rich_help_panel=_PAGE,
            show_default="as is usual for the kind",
            help="Names, values and errors beside the pictures.",
        ),
    ] = None
    background: Annotated[
        str,
        typer.Option(metavar="#RRGGBB", rich_help_panel=_PAGE, help="Colour of the page behind them."),
    ] = "#ffffff"

    @property
    def style(self) -> Style:
        """The same for a recipe.

        Raises:
            UsageError: the background is no colour.
        """
        from explorer.export.recipe import Style

        if not _COLOUR.fullmatch(self.background):
            raise UsageError(
                f"--background {self.background} is no colour; give red, green and blue like #1c2230."
            )
        return Style(self.scale, self.margin, self.gap, self.captions, self.background.lower())


def add_command(app: typer.Typer, command: Callable[..., None], example: str, **settings: Any) -> None:
    """Add a command whose help is its docstring and an example; its dataclass parameters become options."""
    app.command(help=unwrapped(command.__doc__), epilog=f"Example: latent-explorer {example}", **settings)(
        expanded(command)
    )


def unwrapped(text: str | None) -> str:
    """Return a docstring with one line a paragraph, so that a terminal can break it anew."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n"))


def pairs(words: list[str] | None, option: str) -> dict[str, str]:
    """Return `KEY=VALUE` words as a dict.

    Raises:
        UsageError: a word without `=`.
    """
    found = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} {word} is no KEY=VALUE; write it like {option} key=value.")
        found[key.strip()] = value.strip()
    return found


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose dataclass parameters are replaced by options, one for each of their fields."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if is_dataclass(parameter.annotation):
            groups[name] = parameter.annotation  # type: ignore[assignment]
            parameters += _fields_as_parameters(parameter.annotation)  # type: ignore[arg-type]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    def run(**values: Any) -> None:
        grouped = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**grouped, **values)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _fields_as_parameters(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
