"""NVIDIA's TensorFlow files of StyleGAN: their variables as the network of `models.stylegan1` names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from explorer.formats.tf_network import TfNetwork
from explorer.models.style_layers import MappingConfig
from explorer.models.stylegan1 import StyleGan1Config, usual_mapping

_FUSED_AUTO = 128
"""From this side on a network fuses enlargement and convolution, where that is left to itself."""


def config_of(generator: TfNetwork) -> StyleGan1Config:
    """Return the sizes that the variables have and the switches that were set.

    Raises:
        CheckpointError: a variable is missing.
        ValueError, TypeError: a setting cannot be.
    """
    synthesis = generator.parts["synthesis"]
    setting = _Settings(synthesis, generator)
    is_const = "4x4/Const/const" in synthesis.variables
    widths = [synthesis.take("4x4/Conv/weight", 4).shape[3]]
    widths += [synthesis.take(f"{side}x{side}/Conv1/weight", 4).shape[3] for side in synthesis.sides()[1:]]
    lod = level(generator)
    return StyleGan1Config(
        mapping_of(generator),
        widths=tuple(widths),
        channels=synthesis.take(f"ToRGB_lod{int(lod)}/weight", 4).shape[3],
        activation=str(setting("nonlinearity", "lrelu")),
        equalized=bool(setting("use_wscale", True)),
        use_styles="4x4/Conv/StyleMod/weight" in synthesis.variables,
        use_noise="4x4/Conv/Noise/weight" in synthesis.variables,
        const_input=is_const,
        pixel_norm=bool(setting("use_pixel_norm", False)),
        instance_norm=bool(setting("use_instance_norm", True)),
        fused_from=_fused_from(setting("fused_scale", "auto")),
        blur=tuple(float(tap) for tap in setting("blur_filter", (1, 2, 1)) or ()),
        lod=lod,
    )


class _Settings:
    """What was set for a part, by name."""

    def __init__(self, part: TfNetwork, above: TfNetwork) -> None:
        self._part, self._above = part, above

    def __call__(self, name: str, default: Any) -> Any:
        return self._part.setting(name, default, self._above)


def _fused_from(said: Any) -> int:
    return _FUSED_AUTO if said == "auto" else 4 if said else 0


def level(generator: TfNetwork) -> float:
    """Return how many doublings of the picture were not grown yet when the file was written; 0 for a whole network."""
    for network in (generator, *generator.parts.values()):
        kept = network.variables.get("lod")
        if (
            kept is not None
            and kept.numel() == 1
            and network.setting("structure", "auto", generator) != "fixed"
        ):
            return max(0.0, float(kept))
    return 0.0


def mapping_of(generator: TfNetwork) -> MappingConfig:
    """Return the sizes of the mapping network.

    Raises:
        CheckpointError: a variable is missing.
    """
    mapping = generator.parts["mapping"]
    setting = _Settings(mapping, generator)
    layers = dense_layers(mapping)
    classes = mapping.variables.get("LabelConcat/weight")
    c_dim, embedded = map(int, classes.shape) if classes is not None and classes.ndim == 2 else (0, 0)
    wide = layers[0].shape[0] if layers else generator.take("dlatent_avg", 1).shape[0]
    return usual_mapping(
        wide - embedded,
        [layer.shape[1] for layer in layers],
        c_dim=c_dim,
        embedded=embedded,
        lrmul=float(setting("mapping_lrmul", 0.01)),
        activation=str(setting("mapping_nonlinearity", "lrelu")),
        equalized=bool(setting("use_wscale", True)),
        normalise=bool(setting("normalize_latents", True)),
    )


def dense_layers(mapping: TfNetwork) -> list[Tensor]:
    """Return the weights `(I, O)` of the layers of a mapping network, in order."""
    found: list[Tensor] = []
    while f"Dense{len(found)}/weight" in mapping.variables:
        found.append(mapping.take(f"Dense{len(found)}/weight", 2))
    return found


def mapping_tensors(generator: TfNetwork) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a mapping network by the names that they have in `models.style_layers`.

    Raises:
        CheckpointError: a variable is missing.
    """
    mapping = generator.parts["mapping"]
    yield "mapping.w_avg", generator.take("dlatent_avg", 1)
    for index, weight in enumerate(dense_layers(mapping)):
        yield f"mapping.fc{index}.weight", weight.T
        yield f"mapping.fc{index}.bias", mapping.take(f"Dense{index}/bias", 1)
    if "LabelConcat/weight" in mapping.variables:
        yield "mapping.embed.weight", mapping.take("LabelConcat/weight", 2).T


def tensors_of(generator: TfNetwork, config: StyleGan1Config) -> dict[str, Tensor]:
    """Return the tensors by the names of `models.stylegan1`; those of resolutions not grown yet are left out.

    Raises:
        CheckpointError: a variable is missing.
    """
    synthesis = generator.parts["synthesis"]
    found = dict(mapping_tensors(generator))
    if config.const_input:
        found["synthesis.start.const"] = synthesis.only("4x4/Const/const", 4, 3)
    else:
        found["synthesis.start.dense.weight"] = synthesis.take("4x4/Dense/weight", 2).T
    first = "4x4/Const" if config.const_input else "4x4/Dense"
    found |= _finish(synthesis, config, first, "synthesis.start", 0)
    for index, name in enumerate(_convolutions(config)):
        found[f"synthesis.convs.{index}.weight"] = convolution(synthesis, f"{name}/weight")
        found |= _finish(synthesis, config, name, f"synthesis.convs.{index}", index + 1)
    lod = int(config.lod)
    drawn = {"torgb": lod} | ({"torgb_before": lod + 1} if config.lod % 1 and config.grown > 1 else {})
    for name, at in drawn.items():
        found[f"synthesis.{name}.weight"] = convolution(synthesis, f"ToRGB_lod{at}/weight")
        found[f"synthesis.{name}.bias"] = synthesis.take(f"ToRGB_lod{at}/bias", 1)
    return found


def convolution(network: TfNetwork, name: str) -> Tensor:
    """Return the weight of a convolution `(O, I, k, k)`."""
    return network.take(name, 4).permute(3, 2, 0, 1).contiguous()


def _convolutions(config: StyleGan1Config) -> list[str]:
    sides = [8 << level for level in range(config.grown - 1)]
    return ["4x4/Conv", *(f"{side}x{side}/{name}" for side in sides for name in ("Conv0_up", "Conv1"))]


def _finish(
    synthesis: TfNetwork, config: StyleGan1Config, name: str, under: str, index: int
) -> dict[str, Tensor]:
    """Return the tensors of what comes behind a convolution."""
    found = {"bias": synthesis.take(f"{name}/bias", 1)}
    if config.use_noise:
        found["noise_strength"] = synthesis.take(f"{name}/Noise/weight", 1)
        found["noise_const"] = synthesis.only(f"noise{index}", 4, 2)
    if config.use_styles:
        found["affine.weight"] = synthesis.take(f"{name}/StyleMod/weight", 2).T
        found["affine.bias"] = synthesis.take(f"{name}/StyleMod/bias", 1)
    return {f"{under}.finish.{key}": tensor for key, tensor in found.items()}
