"""DCGAN generator (Radford, Metz & Chintala 2015, arXiv:1511.06434).

A code as a 1x1 map becomes 4x4 by one transposed convolution, and doubles with every further one; batch norm
and ReLU between them, tanh at the end. Any number of blocks, any widths, any code size. Running statistics
are used, so one code always gives one picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from explorer.models import Architecture
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space


@dataclass(frozen=True)
class DcganConfig:
    """Sizes: `widths` are the channels after each block but the last, which gives `channels`."""

    latent_dim: int = 100
    widths: tuple[int, ...] = (512, 256, 128, 64)
    channels: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not 0 < len(self.widths) <= 10:
            raise ValueError("dcgan has 1 to 10 widths")

    @property
    def side(self) -> int:
        """Height and width of the pictures: 4, doubled by every block after the first."""
        return 4 << len(self.widths)


class Dcgan(nn.Module):
    """Codes `(N, latent_dim, 1, 1)` to pictures `(N, channels, side, side)` in -1..1."""

    def __init__(self, config: DcganConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width_in = config.latent_dim
        for index, width in enumerate(config.widths):
            stride, padding = (2, 1) if index else (1, 0)
            layers += [
                nn.ConvTranspose2d(
                    width_in, width, 4, stride, padding, bias=False
                ),  # (N, width, 4 * 2**index, ...)
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            width_in = width
        layers += [nn.ConvTranspose2d(width_in, config.channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, channels, side, side)`."""
        return self.main(codes)


def _wrap(network: Dcgan, config: DcganConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="dcgan",
        image=ImageSpec(config.channels, config.side, config.side),
        native_range=NativeRange(-1.0, 1.0),
        spaces=[Space("z", (config.latent_dim, 1, 1))],
        **described,  # type: ignore[arg-type]
    )


ARCHITECTURE = Architecture("dcgan", DcganConfig, Dcgan, _wrap)
