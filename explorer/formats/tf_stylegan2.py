"""NVIDIA's TensorFlow files of StyleGAN2 and StyleGAN2-ADA: their variables as `models.stylegan2` names them.

Which of the networks of the paper it is (skip, residual, or the plain one that may have grown progressively) is told
by the variables that are there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from explorer.formats import tf_stylegan1
from explorer.formats.tf_network import TfNetwork
from explorer.formats.tf_stylegan1 import convolution, dense_layers
from explorer.models.style_layers import DenseConfig, MappingConfig
from explorer.models.stylegan2_config import (
    BlockConfig,
    ConvConfig,
    SkipConfig,
    StyleGan2Config,
    usual_conv,
    usual_dense,
    usual_torgb,
)

_MOST_TAPS = 16


def config_of(generator: TfNetwork) -> StyleGan2Config:
    """Return the sizes that the variables have and the switches that were set.

    Raises:
        CheckpointError: a variable is missing.
        ValueError, TypeError: a setting cannot be.
    """
    sides = generator.parts["synthesis"].sides()
    blocks = [_block(generator, side, side == sides[-1]) for side in sides]
    return StyleGan2Config(_mapping(generator), tuple(blocks))


def _mapping(generator: TfNetwork) -> MappingConfig:
    mapping = generator.parts["mapping"]
    layers = dense_layers(mapping)
    setting = lambda name, default: mapping.setting(name, default, generator)  # noqa: E731
    activation, lrmul = str(setting("mapping_nonlinearity", "lrelu")), float(setting("mapping_lrmul", 0.01))
    normalise, c_dim, embed = "each", 0, None
    if "LabelEmbed/weight" in mapping.variables:
        c_dim, width = map(int, mapping.take("LabelEmbed/weight", 2).shape)
        embed = usual_dense(c_dim, width)
    elif "LabelConcat/weight" in mapping.variables:
        c_dim, width = map(int, mapping.take("LabelConcat/weight", 2).shape)
        embed, normalise = DenseConfig(c_dim, width, bias=False), "joined"
    if not setting("normalize_latents", True):
        normalise = "nothing"
    w_dim = generator.take("dlatent_avg", 1).shape[0]
    wide = layers[0].shape[0] if layers else w_dim
    dense = [usual_dense(layer.shape[0], layer.shape[1], activation, lrmul) for layer in layers]
    return MappingConfig(wide - (embed.outputs if embed else 0), w_dim, tuple(dense), c_dim, embed, normalise)


def _block(generator: TfNetwork, side: int, last: bool) -> BlockConfig:
    synthesis = generator.parts["synthesis"]
    name, taps = f"{side}x{side}", (len(_taps(generator)),) * 2
    first = side == 4
    conv1 = _conv(generator, f"{name}/Conv" if first else f"{name}/Conv1", side)
    drawing = _torgb_name(synthesis, side, last)
    draws_by_and_by = "4x4/ToRGB/weight" in synthesis.variables
    torgb = None
    if drawing:
        inputs, colours = synthesis.take(f"{drawing}/weight", 4).shape[2:]
        torgb = usual_torgb(inputs, colours, conv1.affine.inputs, _clamp(generator))
    if first:
        const = tuple(map(int, synthesis.take("4x4/Const/const", 4).shape[1:]))
        return BlockConfig("b4", conv1, const=const, torgb=torgb)  # type: ignore[arg-type]
    skip = None
    if f"{name}/Skip/weight" in synthesis.variables:
        inputs, outputs = synthesis.take(f"{name}/Skip/weight", 4).shape[2:]
        skip = SkipConfig(inputs, outputs, taps, weight_gain=inputs**-0.5)
    return BlockConfig(
        f"b{side}",
        conv1,
        conv0=_conv(generator, f"{name}/Conv0_up", side, up=2),
        torgb=torgb,
        skip=skip,
        filter=taps if draws_by_and_by else None,
    )


def _conv(generator: TfNetwork, name: str, side: int, up: int = 1) -> ConvConfig:
    synthesis = generator.parts["synthesis"]
    kernel, _, inputs, outputs = synthesis.take(f"{name}/weight", 4).shape
    return usual_conv(
        inputs,
        outputs,
        synthesis.take(f"{name}/mod_weight", 2).shape[0],
        up=up,
        noise=_sides(synthesis, side) if f"{name}/noise_strength" in synthesis.variables else None,
        filter=(len(_taps(generator)),) * 2 if up > 1 else None,
        clamp=_clamp(generator),
        activation=str(_setting(generator, "nonlinearity", "lrelu")),
        kernel=kernel,
    )


def _sides(synthesis: TfNetwork, side: int) -> tuple[int, int]:
    """Return height and width of the maps that are called `side`: the constant's, doubled; it may be no square."""
    height, width = synthesis.take("4x4/Const/const", 4).shape[2:]
    return height * side // 4, width * side // 4


def _torgb_name(synthesis: TfNetwork, side: int, last: bool) -> str:
    """Return under which name the layer that draws at a side is kept; empty where none does, or is not needed."""
    usual, grown = f"{side}x{side}/ToRGB", "ToRGB_lod0"
    if last and f"{usual}/weight" not in synthesis.variables:
        return grown
    return usual if f"{usual}/weight" in synthesis.variables else ""


def _setting(generator: TfNetwork, name: str, default: Any) -> Any:
    return generator.parts["synthesis"].setting(name, default, generator)


def _clamp(generator: TfNetwork) -> float | None:
    said = _setting(generator, "conv_clamp", None)
    return None if said is None else float(said)


def _taps(generator: TfNetwork) -> list[float]:
    """Return the filter of enlargements in one dimension; a box where there is none."""
    said = _setting(generator, "resample_kernel", [1, 3, 3, 1]) or [1, 1]
    taps = [float(tap) for tap in said]
    if not 1 < len(taps) <= _MOST_TAPS or not abs(sum(taps)) > 0:
        raise ValueError(f"a filter of {len(taps)} values")
    return taps


def tensors_of(generator: TfNetwork, config: StyleGan2Config) -> dict[str, Tensor]:
    """Return the tensors by the names of `models.stylegan2`; a class's embedding has a bias in ADA alone.

    Raises:
        CheckpointError: a variable is missing.
    """
    synthesis, mapping = generator.parts["synthesis"], generator.parts["mapping"]
    taps = torch.tensor(_taps(generator))
    low_pass = torch.outer(taps, taps) / taps.sum() ** 2
    found = dict(tf_stylegan1.mapping_tensors(generator))
    if config.mapping.embed is not None and config.mapping.embed.bias:
        found["mapping.embed.weight"] = mapping.take("LabelEmbed/weight", 2).T
        found["mapping.embed.bias"] = mapping.take("LabelEmbed/bias", 1)
    found["synthesis.b4.const"] = synthesis.only("4x4/Const/const", 4, 3)
    at = 0
    for block in config.blocks:
        side = int(block.name[1:])
        last, name, under = block is config.blocks[-1], f"{side}x{side}", f"synthesis.{block.name}"
        for conv, kept in ((block.conv0, "Conv0_up"), (block.conv1, "Conv1" if block.conv0 else "Conv")):
            if conv is None:
                continue
            layer = f"{under}.{'conv0' if conv is block.conv0 else 'conv1'}"
            found |= _conv_tensors(synthesis, f"{name}/{kept}", layer, at, conv)
            if conv.filter is not None:
                found[f"{layer}.resample_filter"] = low_pass
            at += 1
        if block.torgb is not None:
            found |= _conv_tensors(
                synthesis, _torgb_name(synthesis, side, last), f"{under}.torgb", at, block.torgb
            )
        if block.skip is not None:
            found[f"{under}.skip.weight"] = convolution(synthesis, f"{name}/Skip/weight").flip(2, 3)
            found[f"{under}.skip.resample_filter"] = low_pass
        if block.filter is not None:
            found[f"{under}.resample_filter"] = low_pass
    return found


def _conv_tensors(
    synthesis: TfNetwork, name: str, under: str, index: int, config: ConvConfig
) -> dict[str, Tensor]:
    """Return the tensors of a layer; an enlarging kernel is kept turned round, a style without the 1 it begins with."""
    weight = convolution(synthesis, f"{name}/weight")
    found = {
        "weight": weight.flip(2, 3) if config.up > 1 else weight,
        "bias": synthesis.take(f"{name}/bias", 1),
        "affine.weight": synthesis.take(f"{name}/mod_weight", 2).T,
        "affine.bias": synthesis.take(f"{name}/mod_bias", 1) + 1,
    }
    if config.noise is not None:
        found["noise_strength"] = synthesis.take(f"{name}/noise_strength", 0)
        found["noise_const"] = synthesis.only(f"noise{index}", 4, 2)
    return {f"{under}.{key}": tensor for key, tensor in found.items()}
