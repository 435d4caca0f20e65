"""The registry of architectures: one family a file, imported only when it is asked for.

To add a network: write `explorer/models/FAMILY.py` (Config, blocks, network, `ARCHITECTURE`, read bottom-up),
and name it here with a function that imports it. Its `recognise` tells whether a plain state dict is of that family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from explorer.models.base import LatentModel, StageModel

Shapes = Mapping[str, tuple[int, ...]]
"""Names of the tensors of a state dict, in the file's order, with their shapes."""


@dataclass(frozen=True)
class Architecture:
    """How to build a family.

    Attributes:
        name: `fc-vae`.
        config: a frozen dataclass of plain values, the constructor's arguments; stored in native checkpoints.
        network: `network(config) -> nn.Module`.
        wrap: `wrap(network, config, name=..., origin=..., notes=..., trained=...) -> LatentModel |
            StageModel`.
        recognise: `recognise(shapes) -> config | None`, by keys and shapes; None where the family takes no
            plain files.
        translate: `translate(shapes, classes of submodules by path) -> (config, own name of each tensor that counts)
            | None`, in place of `recognise` where others call the tensors differently, or keep some of no use.
    """

    name: str
    config: type
    network: Callable[[Any], nn.Module]
    wrap: Callable[..., LatentModel | StageModel]
    recognise: Callable[[Shapes], Any | None] | None = None
    translate: Callable[[Shapes, Mapping[str, str]], tuple[Any, dict[str, str]] | None] | None = None


def _fc_vae() -> Architecture:
    from explorer.models import fc_vae

    return fc_vae.ARCHITECTURE


def _conv_vae() -> Architecture:
    from explorer.models import conv_vae

    return conv_vae.ARCHITECTURE


def _latent2d_vae() -> Architecture:
    from explorer.models import latent2d_vae

    return latent2d_vae.ARCHITECTURE


def _gdl_vae() -> Architecture:
    from explorer.models import gdl_vae

    return gdl_vae.ARCHITECTURE


def _dcgan() -> Architecture:
    from explorer.models import dcgan

    return dcgan.ARCHITECTURE


def _fc_gan() -> Architecture:
    from explorer.models import fc_gan

    return fc_gan.ARCHITECTURE


def _conv_colorizer() -> Architecture:
    from explorer.models import conv_colorizer

    return conv_colorizer.ARCHITECTURE


def _resnet_stage() -> Architecture:
    from explorer.models import resnet_stage

    return resnet_stage.ARCHITECTURE


def _unet_stage() -> Architecture:
    from explorer.models import unet_stage

    return unet_stage.ARCHITECTURE


def _pytorch_vae() -> Architecture:
    from explorer.models import pytorch_vae

    return pytorch_vae.ARCHITECTURE


def _pytorch_gan() -> Architecture:
    from explorer.models import pytorch_gan

    return pytorch_gan.ARCHITECTURE


def _stack_colorizer() -> Architecture:
    from explorer.models import stack_colorizer

    return stack_colorizer.ARCHITECTURE


def _twin_autoencoder() -> Architecture:
    from explorer.models import twin_autoencoder

    return twin_autoencoder.ARCHITECTURE


ARCHITECTURES: dict[str, Callable[[], Architecture]] = {
    "fc-vae": _fc_vae,
    "conv-vae": _conv_vae,
    "latent2d-vae": _latent2d_vae,
    "gdl-vae": _gdl_vae,
    "dcgan": _dcgan,
    "fc-gan": _fc_gan,
    "conv-colorizer": _conv_colorizer,
    "stack-colorizer": _stack_colorizer,
    "twin-autoencoder": _twin_autoencoder,
    "resnet-stage": _resnet_stage,
    "unet-stage": _unet_stage,
    "pytorch-vae": _pytorch_vae,
    "pytorch-gan": _pytorch_gan,
}


def architecture(name: str) -> Architecture:
    """Return the family called `name`, importing its file.

    Raises:
        KeyError: no such family.
    """
    return ARCHITECTURES[name]()
