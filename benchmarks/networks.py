"""Networks of the sizes people have, with random weights: what the bundled models are too small to tell.

Each is built as the program's readers build it of a file, by a fixed seed, with weights as training begins with
them; what training would have found (running statistics, mean strengths of maps, how strongly a picture is drawn) is
measured or set, so that pictures have contrast and do not saturate. Nothing is kept: `build` makes a network anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models import architecture, style
from explorer.models.autoencoder_kl import KlConfig
from explorer.models.autoencoder_kl import network as kl_network
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space, StageModel
from explorer.models.dcgan import DcganConfig
from explorer.models.gdl_vae import GdlVaeConfig
from explorer.models.map_model import MapModel
from explorer.models.map_plan import HalfPlan, LevelPlan
from explorer.models.resnet_config import ResnetStageConfig
from explorer.models.style_layers import MappingConfig
from explorer.models.stylegan2 import StyleGan2
from explorer.models.stylegan2_config import (
    BlockConfig,
    StyleGan2Config,
    usual_conv,
    usual_dense,
    usual_torgb,
)
from explorer.models.stylegan3 import StyleGan3

if TYPE_CHECKING:
    from explorer.models.style import StyleModel

_DRAWN = 0.13  # of the layers that draw: a StyleGAN2 adds up one picture a size
_DRAWN_ONCE = 2.5  # of a StyleGAN3's, most of whose last maps are low frequencies
_NOISE = 0.1  # strength
_BIAS = 0.1


def build(name: str) -> LatentModel | StageModel:
    """Return a network of `LATENT` or `STAGES` by its name, the same weights each time."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        made = (LATENT | STAGES)[name](name)
    for module in made.modules:
        module.eval().requires_grad_(False)
    return made


# ---- StyleGAN ----


def stylegan2_config(
    side: int, base: int, most: int = 512, mapping: int = 8, w_dim: int = 512
) -> StyleGan2Config:
    """Return the sizes of a `skip` generator: `base / side` channels at each size, `most` at most."""
    low_pass = (4, 4)
    layers = tuple(usual_dense(w_dim, w_dim, "lrelu", 0.01) for _ in range(mapping))
    blocks: list[BlockConfig] = []
    before = 0
    for power in range(2, side.bit_length()):
        size = 1 << power
        wide = min(base // size, most)

        def conv(inputs: int, up: int, wide: int = wide, size: int = size):  # type: ignore[no-untyped-def]
            return usual_conv(inputs, wide, w_dim, up=up, noise=(size, size), filter=low_pass, clamp=256)

        blocks.append(
            BlockConfig(
                f"b{size}",
                conv1=conv(wide, 1),
                const=None if before else (wide, size, size),
                conv0=conv(before, 2) if before else None,
                torgb=usual_torgb(wide, 3, w_dim, clamp=256),
                filter=low_pass,
            )
        )
        before = wide
    return StyleGan2Config(MappingConfig(w_dim, w_dim, layers), tuple(blocks))


def stylegan2(name: str, config: StyleGan2Config) -> StyleModel:
    """Return a StyleGAN2 with random weights, noise included."""
    network = StyleGan2(config)
    _fill(network)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    for key, tensor in network.named_buffers():
        if key.endswith("resample_filter"):
            tensor.copy_(torch.outer(taps, taps))
    return _styled(name, "stylegan2", network)


def stylegan3(name: str, side: int, base: int, **sizes: Any) -> StyleModel:
    """Return a StyleGAN3 of the kind `t` with random weights; `sizes` as `alias_free.config` takes them."""
    from . import alias_free  # here, as child processes import this module by its name alone

    config, filters = alias_free.config(side, base, **sizes)
    network = StyleGan3(config)
    _fill(network)
    first = network.synthesis.input
    first.affine.weight.zero_()
    assert first.affine.bias is not None
    first.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))  # neither turned nor shifted
    first.transform.copy_(torch.eye(3))
    lengths = first.freqs.norm(dim=1, keepdim=True)
    first.freqs.mul_(config.input.bandwidth / (lengths * lengths.square().exp().pow(0.25)))
    first.phases.uniform_(-0.5, 0.5)
    getattr(network.synthesis, config.layers[-1].name).weight.mul_(_DRAWN_ONCE)
    for layer in config.layers:
        for kind, taps in filters[layer.name].items():
            getattr(getattr(network.synthesis, layer.name), kind).copy_(torch.from_numpy(taps))
    model = _styled(name, "stylegan3", network)
    _know_strengths(network, model.styles(torch.randn(1, config.mapping.z_dim), "z"))
    return model


def _fill(network: nn.Module) -> None:
    """Give a StyleGAN the weights that training begins with: N(0, 1), as gains scale what is used."""
    for key, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if key.endswith("affine.bias"):
            tensor.fill_(1.0)
        elif key.endswith("noise_strength"):
            tensor.fill_(_NOISE)
        elif key.startswith("mapping.fc") and key.endswith("weight"):
            tensor.normal_(0, 100.0)
        elif key.endswith("bias"):
            tensor.normal_(0, _BIAS * (100 if key.startswith("mapping") else 1))
        elif key.endswith("magnitude_ema"):
            tensor.fill_(1.0)
        elif key.endswith("torgb.weight"):
            tensor.normal_(0, _DRAWN)
        else:
            tensor.normal_()


def _styled(name: str, kind: str, network: StyleGan2 | StyleGan3) -> StyleModel:
    network.mapping.w_avg.copy_(network.mapping(torch.randn(1024, network.z_dim)).mean(0))
    return style.wrap(network, name=name, architecture=kind, image=ImageSpec(*network.image))


def _know_strengths(network: StyleGan3, ws: Tensor) -> None:
    """Tell each layer the mean square of what comes in, which training keeps a running average of."""
    parts = network.synthesis
    x = parts.input(ws[:, 0])
    for index, config in enumerate(network.config.layers, 1):
        layer = cast("Any", getattr(parts, config.name))
        layer.magnitude_ema.copy_(x.square().mean())
        x = layer(x, ws[:, index])


# ---- others ----


def _dcgan(name: str) -> LatentModel:
    """The generator of the paper, N(0, 0.02) as it says."""
    config = DcganConfig(100, (512, 256, 128, 64), 3)
    family = architecture("dcgan")
    network = family.network(config)
    for module in network.modules():
        if isinstance(module, nn.ConvTranspose2d):
            module.weight.normal_(0, 0.02)
    _know_statistics(network, lambda: network.decode(torch.randn(32, 100, 1, 1)))  # type: ignore[operator]
    network.main[-2].weight.mul_(2)  # type: ignore[index, union-attr]
    return cast("LatentModel", family.wrap(network, config, name=name))


def _gdl_vae(name: str) -> LatentModel:
    """The book's network for faces, of 128 pixels."""
    config = GdlVaeConfig(3, 128, (32, 64, 64, 64), (2, 2, 2, 2), 200, norm=True, dropout=0.25)
    family = architecture("gdl-vae")
    network = family.network(config)
    _know_statistics(
        network,
        lambda: (network.decode(torch.randn(16, 200)), network.encode(torch.rand(16, 3, 128, 128))),  # type: ignore[operator]
    )
    return cast("LatentModel", family.wrap(network, config, name=name))


def _know_statistics(network: nn.Module, run: Callable[[], object]) -> None:
    """Let batch norms remember the statistics of one batch."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    network.eval()
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
        norm.weight.normal_(1, 0.02)
    run()
    for norm in norms:
        norm.momentum = 0.1
        norm.eval()


def _autoencoder_kl(name: str) -> LatentModel:
    """The autoencoder of Stable Diffusion."""
    widths, factor = (128, 256, 512, 512), 8
    down = tuple(
        LevelPlan((wide, out, out), resamples=out_level < len(widths))
        for out_level, (wide, out) in enumerate(zip((128, *widths), widths, strict=False), 1)
    )
    turned = widths[::-1]
    up = tuple(
        LevelPlan((wide, out, out, out), resamples=out_level < len(widths))
        for out_level, (wide, out) in enumerate(zip((512, *turned), turned, strict=False), 1)
    )
    config = KlConfig(
        decoder=HalfPlan(4, 3, 512, up), encoder=HalfPlan(3, 8, 512, down), before=(8, 8), after=(4, 4)
    )
    space = Space("z", (4, 32, 32), "none", spread=np.full(4 * 32 * 32, 1 / 0.18215), stated=True)
    return MapModel(
        kl_network(config),
        name=name,
        architecture="autoencoder-kl",
        image=ImageSpec(3, 256, 256),
        spaces=[space],
        native_range=NativeRange(-1.0, 1.0),
        factor=factor,
    )


def _cyclegan(name: str) -> StageModel:
    """The paper's generator for 256 pixels: nine blocks, N(0, 0.02)."""
    config = ResnetStageConfig()
    family = architecture("resnet-stage")
    network = family.network(config)
    for key, tensor in network.named_parameters():
        tensor.normal_(0, 0.02) if key.endswith("weight") else tensor.zero_()
    return cast("StageModel", family.wrap(network, config, name=name))


LATENT: dict[str, Callable[[str], LatentModel]] = {
    "dcgan-64": _dcgan,
    "gdl-vae-128": _gdl_vae,
    "stylegan2-256": lambda name: stylegan2(name, stylegan2_config(256, 16384)),
    "stylegan2-1024": lambda name: stylegan2(name, stylegan2_config(1024, 32768)),
    "stylegan3t-256": lambda name: stylegan3(name, 256, 32768),
    "autoencoderkl-256": _autoencoder_kl,
}
"""Makers of generators, by name; call `build`."""

STAGES: dict[str, Callable[[str], StageModel]] = {"cyclegan-256": _cyclegan}
"""Makers of stages."""

STAGE_SIDE = 256
"""Side of the pictures that stages of real size get."""
