"""Progressively grown GAN (Karras et al. 2017, "Progressive Growing of GANs for Improved Quality, Stability, and
Variation", arXiv:1710.10196), generator.

StyleGAN's synthesis began as this: a dense layer makes the first map of the code itself, and every pixel's channels
are normalised instead of styled. So it is `models.stylegan1` without styles, noise and a mapping network.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from explorer.models import Architecture
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.style_layers import MappingConfig
from explorer.models.style_noise import Noise
from explorer.models.stylegan1 import StyleGan1, StyleGan1Config

NO_NOISE = Noise("none")


def usual_config(
    z_dim: int,
    widths: Sequence[int],
    *,
    channels: int = 3,
    activation: str = "lrelu",
    normalise: bool = True,
    equalized: bool = True,
    pixel_norm: bool = True,
    fused: bool = True,
    lod: float = 0.0,
) -> StyleGan1Config:
    """Return the sizes of a generator; the words are those of `StyleGan1Config`.

    Args:
        normalise: codes are divided by the root of their mean square.
        fused: every enlargement is one transposed convolution.
    """
    return StyleGan1Config(
        MappingConfig(z_dim, z_dim, (), normalise="joined" if normalise else "nothing"),
        tuple(widths),
        channels,
        activation,
        equalized,
        use_styles=False,
        use_noise=False,
        const_input=False,
        pixel_norm=pixel_norm,
        instance_norm=False,
        fused_from=4 if fused else 0,
        blur=(),
        lod=lod,
    )


class ProGan(StyleGan1):
    """Codes `(N, z_dim)` to pictures `(N, channels, side, side)`, about -1..1, unclipped."""

    def decode(self, codes: Tensor) -> Tensor:
        """Return native pictures."""
        return self.synthesis(self.mapping(codes, None).unsqueeze(1), NO_NOISE)


def _wrap(network: ProGan, config: StyleGan1Config, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="progan",
        image=ImageSpec(config.channels, config.side, config.side),
        native_range=NativeRange(-1.0, 1.0),
        spaces=[Space("z", (config.mapping.z_dim,))],
        **described,  # type: ignore[arg-type]
    )


ARCHITECTURE = Architecture("progan", StyleGan1Config, ProGan, _wrap)
