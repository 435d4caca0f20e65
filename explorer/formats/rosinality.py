"""StyleGAN2 as the best known port to PyTorch keeps it (`input.input`, `convs.0.conv.modulation.weight`, ...).

Its state dicts come bare, beside an optimiser and a discriminator, converted from NVIDIA's files (with a
`latent_avg`), or inside an encoder's network; BasicSR has its own names for the same tensors, and keeps no filters.
They are known by their keys. The files state all but three constants: the mapping's learning rate of 0.01, the
slope 0.2 and the gain, the root of 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from explorer.data.wording import counted
from explorer.errors import CheckpointError
from explorer.formats import recognition
from explorer.formats.content import Record
from explorer.formats.reader import Reading
from explorer.formats.state_dict import Weights
from explorer.models import Architecture, style, style_layers, stylegan2, stylegan2_config
from explorer.models.base import ImageSpec, LatentModel, StageModel

FORMAT = "torch"
LR_MULTIPLIER = 0.01
"""Of the mapping network, in every file of this kind."""

SAMPLED, SEED = 4096, 1
"""How the average w is drawn where a file keeps none."""

_USUAL_FILTER = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
_KNOWN_BY = ("input.input", "conv1.conv.modulation.weight", "to_rgb1.conv.modulation.weight")
_AVERAGES = ("latent_avg", "mean_latent", "w_avg", "trunc_latent")
_OTHER_NAMES = (
    (r"style_mlp\.(\d+\.)", r"style.\1"),
    (r"constant_input\.weight$", "input.input"),
    (r"((?:^|\.)style_conv(?:1|s\.\d+))\.weight$", r"\1.noise.weight"),
    (r"(^|\.)style_conv(1\.|s\.\d+\.)", r"\1conv\2"),
    (r"\.modulated_conv\.", ".conv."),
    (r"noises\.noise(\d+)$", r"noises.noise_\1"),
)
"""BasicSR's names, and those they stand for."""


def find(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return the tensors of such a generator by the port's own names, wherever they are; None where there is none."""
    named = {_usual(key): tensor for key, tensor in tensors.items()}
    for key in named:
        under = key.removesuffix(_KNOWN_BY[0])
        if key.endswith(_KNOWN_BY[0]) and all(under + known in named for known in _KNOWN_BY):
            return {name[len(under) :]: tensor for name, tensor in named.items() if name.startswith(under)}
    return None


def _usual(key: str) -> str:
    for pattern, name in _OTHER_NAMES:
        key = re.sub(pattern, name, key)
    return key


def build(
    found: Weights, held: Mapping[str, Tensor], content: Any, reading: Reading, notes: tuple[str, ...] = ()
) -> LatentModel | StageModel:
    """Return the model of a generator that `find` found.

    Args:
        found: what the file's network is and said.
        held: the generator's tensors, by the port's names.
        content: the whole file, in which an average w may lie.

    Raises:
        CheckpointError: it is damaged, or of the port's other architecture.
    """
    if any(".iwt." in key or ".dwt." in key for key in held):
        raise CheckpointError(
            f"{reading.path} holds a SWAGAN, which draws wavelets instead of pixels and is not read here; take a "
            "file that was trained with the arch stylegan2."
        )
    told = [*notes, *found.notes]
    if len(held) < len(found.tensors):
        left = counted(len(found.tensors) - len(held), "tensor")
        told.append(f"Of a larger network the generator alone was read; {left} beside it were left out.")
    parts = _Parts(held, reading)
    try:
        config, tensors = parts.config(), parts.tensors()
        told += parts.add_noise(tensors, config)
        told += _add_average(tensors, config, content, found.tensors)
    except (ValueError, IndexError, RuntimeError, OverflowError) as error:
        raise parts.damaged(str(error).splitlines()[0][:100]) from error
    family = Architecture("stylegan2", stylegan2_config.StyleGan2Config, stylegan2.StyleGan2, _wrap)
    model = recognition.build(family, config, tensors, reading, format_name=FORMAT, notes=told)
    model.entries = _generators(content, reading.hints.entry or "g_ema")
    return model


def _generators(content: Any, first: str) -> tuple[str, ...]:
    """Return the names of the entries that are such generators, where there are several, `first` before others."""
    entries = content.items() if isinstance(content, Mapping) else ()
    found = [
        str(name)
        for name, entry in entries
        if isinstance(entry, Mapping) and any(".modulation." in str(key) for key in entry)
    ]
    return tuple(sorted(found, key=lambda name: name != first)) if len(found) > 1 else ()


def _wrap(
    network: stylegan2.StyleGan2, config: stylegan2_config.StyleGan2Config, **described: Any
) -> LatentModel:
    described.pop("trained", None)
    return style.wrap(network, architecture="stylegan2", image=ImageSpec(*network.image), **described)


class _Parts:
    """The tensors of one generator, and what their shapes say."""

    def __init__(self, held: Mapping[str, Tensor], reading: Reading) -> None:
        self._held, self._path = dict(held), reading.path
        self._rest = set(held)
        self._mapped = sorted(
            int(m[1]) for key in held if (m := re.fullmatch(r"style\.(\d{1,4})\.weight", key))
        )
        self._doublings = sum(bool(re.fullmatch(r"to_rgbs\.\d+\.bias", key)) for key in held)

    def damaged(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"{self._path} looks like a StyleGAN2 of rosinality's kind, but {why}; the file is damaged or was "
            "changed: save it again from where it was trained."
        )

    def _take(self, key: str, dimensions: int) -> Tensor:
        tensor = self._held.get(key)
        if tensor is None or tensor.ndim != dimensions:
            what = "is missing" if tensor is None else f"has {tensor.ndim} dimensions instead of {dimensions}"
            raise self.damaged(f"{key} {what}")
        self._rest.discard(key)
        return tensor

    def _only(self, key: str, dimensions: int, kept: int) -> Tensor:
        """Return a tensor without its first dimensions, all of which must be 1, but for the last `kept`."""
        tensor = self._take(key, dimensions)
        if any(side != 1 for side in tensor.shape[: dimensions - kept]):
            raise self.damaged(f"{key} is {'x'.join(map(str, tensor.shape))}")
        return tensor[(0,) * (dimensions - kept)]

    def _size(self, level: int) -> tuple[int, int]:
        height, width = self._take("input.input", 4).shape[2:]
        return height << level, width << level

    def config(self) -> stylegan2_config.StyleGan2Config:
        """Return the sizes that the shapes tell."""
        layers = []
        for number in self._mapped:
            out, wide = self._take(f"style.{number}.weight", 2).shape
            layers.append(stylegan2_config.usual_dense(wide, out, "lrelu", LR_MULTIPLIER))
        w_dim = self._take("conv1.conv.modulation.weight", 2).shape[1]
        z_dim = layers[0].inputs if layers else w_dim
        mapping = style_layers.MappingConfig(z_dim, w_dim, tuple(layers))
        return stylegan2_config.StyleGan2Config(mapping, tuple(map(self._block, range(self._doublings + 1))))

    def _block(self, level: int) -> stylegan2_config.BlockConfig:
        name = self._name(level)
        conv0, conv1, torgb = self._names(level)
        drawn, wide, *_ = self._take(f"{torgb}.conv.weight", 5).shape[1:]
        drawing = stylegan2_config.usual_torgb(
            wide, drawn, self._take(f"{torgb}.conv.modulation.weight", 2).shape[1]
        )
        if level == 0:
            const = tuple(map(int, self._take("input.input", 4).shape[1:]))
            return stylegan2_config.BlockConfig(name, self._conv(conv1, 0), const=const, torgb=drawing)  # type: ignore[arg-type]
        return stylegan2_config.BlockConfig(
            name,
            self._conv(conv1, level),
            conv0=self._conv(conv0, level, up=2),
            torgb=drawing,
            filter=tuple(self._filter(f"{torgb}.upsample.kernel").shape),
        )

    def _conv(self, name: str, level: int, up: int = 1) -> stylegan2_config.ConvConfig:
        out, wide, kernel, _ = self._take(f"{name}.conv.weight", 5).shape[1:]
        return stylegan2_config.usual_conv(
            wide,
            out,
            self._take(f"{name}.conv.modulation.weight", 2).shape[1],
            up=up,
            noise=self._size(level),
            filter=tuple(self._filter(f"{name}.conv.blur.kernel").shape) if up > 1 else None,
            kernel=kernel,
        )

    def _filter(self, key: str) -> Tensor:
        """Return a filter `(k, k)` of sum 1: as it is kept, times the 4 that enlarging takes, else the usual one."""
        return self._take(key, 2).float() / 4 if key in self._held else _USUAL_FILTER.clone()

    def _name(self, level: int) -> str:
        return f"b{self._size(level)[0]}"

    @staticmethod
    def _names(level: int) -> tuple[str, str, str]:
        """Return the port's names of a block's two convolutions (the first enlarges) and of what draws."""
        at = 2 * (level - 1)
        return (
            (f"convs.{at}", f"convs.{at + 1}", f"to_rgbs.{level - 1}") if level else ("", "conv1", "to_rgb1")
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by the names of `models.stylegan2`; what belongs to nothing keeps its own."""
        found = {f"synthesis.{self._name(0)}.const": self._only("input.input", 4, 3)}
        for index, number in enumerate(self._mapped):
            found[f"mapping.fc{index}.weight"] = self._take(f"style.{number}.weight", 2)
            found[f"mapping.fc{index}.bias"] = self._take(f"style.{number}.bias", 1)
        for level in range(self._doublings + 1):
            under = f"synthesis.{self._name(level)}"
            conv0, conv1, torgb = self._names(level)
            found |= self._layer(conv1, f"{under}.conv1")
            found |= self._modulated(torgb, f"{under}.torgb")
            found[f"{under}.torgb.bias"] = self._only(f"{torgb}.bias", 4, 3).flatten()
            if level:
                found |= self._layer(conv0, f"{under}.conv0")
                found[f"{under}.conv0.resample_filter"] = self._filter(f"{conv0}.conv.blur.kernel")
                found[f"{under}.resample_filter"] = self._filter(f"{torgb}.upsample.kernel")
        rest = {key for key in self._rest if not re.fullmatch(r"noises\.noise_\d+", key)}
        return found | {key: self._held[key] for key in rest}

    def _layer(self, name: str, under: str) -> dict[str, Tensor]:
        return self._modulated(name, under) | {
            f"{under}.bias": self._take(f"{name}.activate.bias", 1),
            f"{under}.noise_strength": self._only(f"{name}.noise.weight", 1, 0),
        }

    def _modulated(self, name: str, under: str) -> dict[str, Tensor]:
        return {
            f"{under}.weight": self._only(f"{name}.conv.weight", 5, 4),
            f"{under}.affine.weight": self._take(f"{name}.conv.modulation.weight", 2),
            f"{under}.affine.bias": self._take(f"{name}.conv.modulation.bias", 1),
        }

    def add_noise(self, tensors: dict[str, Tensor], config: stylegan2_config.StyleGan2Config) -> list[str]:
        """Add the constant noise that is kept, or where none is (as in the oldest files) some by a fixed seed."""
        layers = [
            (f"synthesis.{block.name}.{'conv1' if conv is block.conv1 else 'conv0'}.noise_const", conv.noise)
            for block in config.blocks
            for conv in (block.conv0, block.conv1)
            if conv is not None and conv.noise is not None
        ]
        if "noises.noise_0" in self._held:
            for index, (key, _) in enumerate(layers):
                tensors[key] = self._only(f"noises.noise_{index}", 4, 2)
            return []
        if sum(height * width for _, (height, width) in layers) > _MOST_NOISE:
            raise self.damaged("its first map is too large")
        generator = torch.Generator().manual_seed(0)
        tensors |= {key: torch.randn(shape, generator=generator) for key, shape in layers}
        return ["The file keeps no noise, so the constant noise was drawn by a fixed seed."]


_MOST_NOISE = 1 << 25  # values


def _add_average(
    tensors: dict[str, Tensor],
    config: stylegan2_config.StyleGan2Config,
    content: Any,
    beside: Mapping[str, Tensor],
) -> list[str]:
    """Add the average w: the one that is kept, or that of codes drawn by a fixed seed."""
    kept = _kept_average(content, beside, config.mapping.w_dim)
    if kept is not None:
        tensors["mapping.w_avg"] = kept
        return []
    with torch.device("meta"):
        mapping = style_layers.Mapping(config.mapping)
    given = {
        key.removeprefix("mapping."): tensor.float()
        for key, tensor in tensors.items()
        if key.startswith("mapping.")
    }
    mapping.load_state_dict({**given, "w_avg": torch.zeros(config.mapping.w_dim)}, strict=True, assign=True)
    tensors["mapping.w_avg"] = style_layers.average_w(mapping, SAMPLED, SEED)
    return [
        f"The file keeps no average w for truncation, so that of {SAMPLED} codes drawn by a fixed seed is taken."
    ]


def _kept_average(content: Any, beside: Mapping[str, Tensor], w_dim: int) -> Tensor | None:
    """Return the average w `(w_dim,)` that lies beside a generator; of one for each layer, their mean."""
    if isinstance(content, Record):
        content = content.entries or content.state
    top = content if isinstance(content, Mapping) else {}
    for held in (top, beside):
        for name in _AVERAGES:
            kept = held.get(name)
            if (
                isinstance(kept, Tensor)
                and kept.is_floating_point()
                and kept.numel()
                and kept.shape[-1:] == (w_dim,)
            ):
                rows = kept.reshape(-1, w_dim).float()
                return rows[0] if bool((rows == rows[0]).all()) else rows.mean(0)
    return None
