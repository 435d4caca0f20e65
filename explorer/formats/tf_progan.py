"""NVIDIA's TensorFlow files of the progressively grown GAN: one network, whose variables `models.progan` takes."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.formats.tf_network import TfNetwork
from explorer.formats.tf_stylegan1 import convolution, level
from explorer.models.progan import usual_config
from explorer.models.stylegan1 import StyleGan1Config


def config_of(generator: TfNetwork) -> StyleGan1Config:
    """Return the sizes that the variables have and the switches that were set.

    Raises:
        CheckpointError: a variable is missing.
        ValueError, TypeError: a setting cannot be.
    """
    widths = [generator.take("4x4/Conv/weight", 4).shape[3]]
    widths += [generator.take(f"{side}x{side}/Conv1/weight", 4).shape[3] for side in generator.sides()[1:]]
    lod = level(generator)
    return usual_config(
        generator.take("4x4/Dense/weight", 2).shape[0],
        widths,
        channels=generator.take(f"ToRGB_lod{int(lod)}/weight", 4).shape[3],
        activation="lrelu" if generator.setting("use_leakyrelu", True) else "relu",
        normalise=bool(generator.setting("normalize_latents", True)),
        equalized=bool(generator.setting("use_wscale", True)),
        pixel_norm=bool(generator.setting("use_pixelnorm", True)),
        fused="8x8/Conv0_up/weight" in generator.variables,
        lod=lod,
    )


def tensors_of(generator: TfNetwork, config: StyleGan1Config) -> dict[str, Tensor]:
    """Return the tensors by the names of `models.stylegan1`; a fused kernel is kept as `(k, k, O, I)`.

    Raises:
        CheckpointError: a variable is missing.
    """
    found = {
        "mapping.w_avg": torch.zeros(config.mapping.w_dim),
        "synthesis.start.dense.weight": generator.take("4x4/Dense/weight", 2).T,
        "synthesis.start.finish.bias": generator.take("4x4/Dense/bias", 1),
    }
    first = "Conv0_up" if config.fused_from else "Conv0"
    sides = [8 << level for level in range(config.grown - 1)]
    names = ["4x4/Conv", *(f"{side}x{side}/{name}" for side in sides for name in (first, "Conv1"))]
    for index, name in enumerate(names):
        weight = convolution(generator, f"{name}/weight")
        is_fused = name.endswith("Conv0_up")
        found[f"synthesis.convs.{index}.weight"] = weight.transpose(0, 1) if is_fused else weight
        found[f"synthesis.convs.{index}.finish.bias"] = generator.take(f"{name}/bias", 1)
    lod = int(config.lod)
    drawn = {"torgb": lod} | ({"torgb_before": lod + 1} if config.lod % 1 and config.grown > 1 else {})
    for name, at in drawn.items():
        found[f"synthesis.{name}.weight"] = convolution(generator, f"ToRGB_lod{at}/weight")
        found[f"synthesis.{name}.bias"] = generator.take(f"ToRGB_lod{at}/bias", 1)
    return found
