"""The contract: what every reader returns and everyone else uses.

`LatentModel` (code -> picture) and `StageModel` (picture -> picture), with the plain values that describe
them. No file and no screen here; torch is only named for types, so the window can hold a model before torch
is imported.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from explorer.errors import StageError, UsageError
from explorer.models.space import NO_OPTIONS as NO_OPTIONS
from explorer.models.space import DecodeOptions as DecodeOptions
from explorer.models.space import PriorName as PriorName
from explorer.models.space import Space as Space
from explorer.models.space import aggregate_posterior as aggregate_posterior

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class ImageSpec:
    """Shape of a picture; `None` for a height or width means any."""

    channels: int
    height: int | None = None
    width: int | None = None

    def accepts(self, other: ImageSpec) -> bool:
        """Return whether a picture of the shape `other` can be fed in here."""
        return self.channels == other.channels and all(
            mine is None or mine == theirs
            for mine, theirs in ((self.height, other.height), (self.width, other.width))
        )

    def __str__(self) -> str:
        if self.height is None and self.width is None:
            return f"{self.channels}x(any size)"
        return "x".join(
            "any" if side is None else str(side) for side in (self.channels, self.height, self.width)
        )


@dataclass(frozen=True)
class NativeRange:
    """The values a network itself uses for black and white, such as -1..1 (tanh) or 0..255.

    Attributes:
        low, high: black and white.
        logits: the values are unbounded, and a sigmoid makes them 0..1; `low` and `high` do not count then.
        reverse: the channels come as blue, green, red.
    """

    low: float = 0.0
    high: float = 1.0
    logits: bool = False
    reverse: bool = False

    def to_unit(self, native: Tensor) -> Tensor:
        """Map native values `(N, C, H, W)` to 0..1, unclipped; an array is taken, too."""
        if self.reverse:
            native = native[:, [2, 1, 0]] if native.shape[1] == 3 else native
        if self.logits:
            return native.sigmoid() if hasattr(native, "sigmoid") else 0.5 + 0.5 * np.tanh(0.5 * native)  # type: ignore[return-value]
        return (native - self.low) / (self.high - self.low)

    def to_native(self, unit: Tensor) -> Tensor:
        """Map 0..1 to native values."""
        if self.reverse:
            unit = unit[:, [2, 1, 0]] if unit.shape[1] == 3 else unit
        return unit.logit(1e-4) if self.logits else unit * (self.high - self.low) + self.low

    def __str__(self) -> str:
        return "logits" if self.logits else f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True, eq=False)
class CodeDistribution:
    """What an encoder says of pictures: `mean (N, dim)` and, where it is variational, `logvar (N, dim)`."""

    mean: Tensor
    logvar: Tensor | None = None


class Origin:
    """Where a model came from.

    Args:
        path, format: the file, and how it lies on disk.
        sha256: of the file, so that recipes and code books can name it; or what finds it out, asked once, when
            somebody wants to know: a large file takes seconds.
        hints: those by which the file was read, as texts; empty where it says everything itself.
    """

    def __init__(
        self, path: Path, format: str, sha256: str | Callable[[], str], hints: Mapping[str, str] | None = None
    ) -> None:
        self.path = path
        self.format = format
        self.hints = dict(hints or {})
        self._sha256 = sha256

    @property
    def known_sha256(self) -> str | None:
        """That hash where somebody wanted to know it already."""
        return self._sha256 if isinstance(self._sha256, str) else None

    @property
    def sha256(self) -> str:
        """Hash of the file, as lower-case hex."""
        if not isinstance(self._sha256, str):
            self._sha256 = self._sha256()
        return self._sha256


class _Described:
    """What latent models and stages have in common.

    `diagnosis` tells what a reader had to guess (`explorer.formats.diagnosis`); None where it guessed nothing.
    `source_text` is the program text that the file carries, which is shown and never run. `entries` are the names of
    the networks in the file that could be read by the hint `entry`, the one that was first; none without a choice.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        architecture: str,
        origin: Origin | None = None,
        notes: Sequence[str] = (),
        trained: Mapping[str, object] | None = None,
    ) -> None:
        self.network = network
        self.name = name
        self.architecture = architecture
        self.origin = origin
        self.notes = tuple(notes)
        self.trained = dict(trained or {})
        self.diagnosis: Any = None
        self.source_text = ""
        self.entries: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The torch modules, for whoever handles device, precision and memory (`render/`)."""
        return (self.network,)

    def with_network(self, network: nn.Module) -> Self:
        """Return one like this that runs another copy of the network; spaces and all else are shared."""
        twin = copy.copy(self)
        twin.network = network
        return twin

    @property
    def parameter_count(self) -> int:
        """Number of weights in all modules."""
        return sum(p.numel() for module in self.modules for p in module.parameters())


class LatentModel(_Described):
    """A generator, with an encoder where there is one.

    This base serves networks with `decode(codes) -> native pictures (N, C, H, W)` and, optionally,
    `encode(native pictures) -> (mean, logvar | None)`. A family with spaces or options of its own overrides
    `decode_raw`, and says in `accepts` which `DecodeOptions` it uses.
    """

    accepts: frozenset[str] = frozenset()
    classes: int = 0
    """How many classes the option `labels` may name; 0 where it takes none."""
    layers: int = 0
    """How many styles a picture takes, of a network that has styles: rows of a code of `w+`."""
    heads: tuple[str, ...] = ()
    """The decoders that the option `head` may name, the first where it is not given; none where there is one."""

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        architecture: str,
        image: ImageSpec,
        spaces: Sequence[Space],
        native_range: NativeRange = NativeRange(),
        origin: Origin | None = None,
        notes: Sequence[str] = (),
        trained: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(
            network, name=name, architecture=architecture, origin=origin, notes=notes, trained=trained
        )
        self.image = image
        self.native_range = native_range
        self.input_range: NativeRange | None = None  # of the encoder's pictures, where another
        self.spaces: dict[str, Space] = {space.name: space for space in spaces}

    @property
    def default_space(self) -> str:
        """The space that codes are of where none is named, and that pictures are encoded to."""
        return next(iter(self.spaces))

    def space_called(self, name: str) -> str:
        """Return the name of a space that may be given by its letters alone; what is none stays as it is."""
        called = (space.name for space in self.spaces.values() if space.letters == name)
        return name if name in self.spaces else next(called, name)

    @property
    def explored_space(self) -> str:
        """The space whose sliders say most, which a window shows first: one with leading directions, where there is."""
        leading = (name for name, space in self.spaces.items() if space.leading is not None)
        return next(leading, self.default_space)

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` can be called."""
        return callable(getattr(self.network, "encode", None))

    @property
    def chain(self) -> nn.Sequential | None:
        """The layers from a flat code of the first space to a flat native picture, where decoding is no more.

        A network says so by its own property `chain`; `render/` may then take a shorter way through them.
        """
        is_plain = type(self).decode_raw is LatentModel.decode_raw
        return getattr(self.network, "chain", None) if is_plain else None

    def check_options(self, space: str, options: DecodeOptions) -> None:
        """Raise `UsageError` for a space that is not here or an option that this model does not use."""
        if space not in self.spaces:
            raise UsageError(f"{self.name} has no space {space}; choose one of {', '.join(self.spaces)}.")
        for option in options.given():
            if option not in self.accepts:
                known = ", ".join(sorted(self.accepts)) or "none"
                raise UsageError(
                    f"{self.name} does not use the option {option} (it uses: {known}); leave it out."
                )

    def decode_raw(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` or `(N, *shape)` to the network's own values `(N, C, H, W)`, unclipped.

        Those of a space with a way to the first one are mapped there; others the network takes as they are.
        """
        if self.default_space in self.spaces[space].mappings:
            codes, space = self.spaces[space].to(codes, self.default_space, options), self.default_space
        return self.network.decode(codes.reshape(len(codes), *self.spaces[space].shape))  # type: ignore[operator]

    def decode(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` or `(N, *shape)` to pictures `(N, C, H, W)` in 0..1; NaN stays NaN."""
        return self.native_range.to_unit(self.decode_raw(codes, space, options)).clamp(0, 1)

    @property
    def has_preview(self) -> bool:
        """Whether `preview` is cheaper than `decode`."""
        return type(self).preview is not LatentModel.preview

    def preview(
        self,
        codes: Tensor,
        space: str = "z",
        options: DecodeOptions = NO_OPTIONS,
        max_side: int | None = None,
    ) -> Tensor:
        """Decode cheaper, to pictures of about `max_side` pixels, where the network can; here it is `decode`."""
        return self.decode(codes, space, options)

    def estimated_sensitivity(
        self, codes: Tensor, space: str, options: DecodeOptions = NO_OPTIONS
    ) -> Tensor | None:
        """Return how much each dimension changes pictures around codes `(N, dim)`, relative to the others, `(dim,)`.

        From the weights, in far less time than decoding takes; None where a family knows no such way.
        """
        return None

    def encode(self, images: Tensor) -> CodeDistribution:
        """Encode pictures `(N, C, H, W)` in 0..1 to the first space.

        Raises:
            UsageError: the model has no encoder.
        """
        if not self.has_encoder:
            raise UsageError(
                f"{self.name} has no encoder, so pictures cannot become codes; use a VAE for that."
            )
        mean, logvar = self.network.encode((self.input_range or self.native_range).to_native(images))  # type: ignore[operator]
        return CodeDistribution(mean, logvar)


class StageModel(_Described):
    """A network from pictures to pictures, run after the decoder: `network(images)`, in its native range."""

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        architecture: str,
        input: ImageSpec,
        output: ImageSpec,
        native_range: NativeRange = NativeRange(),
        origin: Origin | None = None,
        notes: Sequence[str] = (),
        trained: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(
            network, name=name, architecture=architecture, origin=origin, notes=notes, trained=trained
        )
        self.input = input
        self.output = output
        self.native_range = native_range
        self.input_range: NativeRange | None = None  # of the pictures that go in, where another

    def apply_raw(self, images: Tensor) -> Tensor:
        """Apply to pictures `(N, C, H, W)` in 0..1; the network's own values come back, unclipped."""
        return self.network((self.input_range or self.native_range).to_native(images))

    def apply(self, images: Tensor) -> Tensor:
        """Apply to pictures `(N, C, H, W)` in 0..1; pictures in 0..1 come back."""
        return self.native_range.to_unit(self.apply_raw(images)).clamp(0, 1)

    def output_for(self, shape: ImageSpec) -> ImageSpec:
        """Return the shape that comes out when `shape` goes in; an "any" side stays as it was."""
        out = self.output
        return ImageSpec(out.channels, out.height or shape.height, out.width or shape.width)


def check_stages(image: ImageSpec, stages: Sequence[StageModel]) -> ImageSpec:
    """Return the shape that leaves the last stage when `image` enters the first.

    Raises:
        StageError: one does not fit; the text names both shapes.
    """
    for stage in stages:
        if not stage.input.accepts(image):
            raise StageError(
                f"The stage {stage.name} takes pictures of {stage.input} (channels x height x width), "
                f"but here it would get {image}; put it behind something that gives {stage.input}."
            )
        image = stage.output_for(image)
    return image
