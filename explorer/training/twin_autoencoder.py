"""`train twin-autoencoder`: a face swap from two collections (--data, --data-b), without any pairs.

One encoder for both sets, a decoder for each ("deepfakes", 2017). The encoder sees a picture moved by a random affine
map and warped by a coarse random grid; the decoder of the picture's own set is asked for the moved picture without the
warp, by the mean absolute error. So the code is about what both sets share, pose and expression, and each decoder
draws it as its own set looks.

What tells the sets apart must not travel in the code. Where it is a colour, `hue`, `saturation` and `lightness` change
the input's colours at random while the target keeps its own; `grey` gives the encoder no colour at all. Where the sets
are small, pictures of neither (`extra`) can teach the encoder besides: a third decoder, which is not kept, draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.errors import UsageError
from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.twin_autoencoder import Head, TwinAutoencoder, TwinAutoencoderConfig
from explorer.training.distortion import Distortion, distorted, edge_error
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.pictures import TrainingPictures, weighted
from explorer.training.recipe import Recipe
from explorer.training.settings import setting

SHOWN = 8
"""Pictures of each set in a sample grid."""


@dataclass(frozen=True)
class TwinAutoencoderSettings(Distortion):
    """Defaults: the design's, with a network small enough for one core."""

    side: int = setting(64, "of the pictures, in pixels; halved once for each width", least=8, most=512)
    channels: int = setting(3, "1: grey, 3: colour", least=1, most=3)
    widths: tuple[int, ...] = setting(
        (32, 64, 128, 128), "channels of the encoder, from the picture inwards", least=1
    )
    ups: tuple[int, ...] = setting(
        (192, 128, 64, 48, 16), "channels of the decoders, outwards; one more than widths", least=1
    )
    shared: int = setting(1, "how many of the decoders' doublings they have in common", least=0)
    latent_dim: int = setting(128, "dimensions of a code", least=1, most=4096)
    grey: bool = setting(False, "whether the encoder sees luminance only")
    edges: float = setting(0.0, "weight of the mean absolute error of neighbours' differences", least=0)
    extra: str = setting("", "a collection of pictures of neither set, for the encoder to learn from")
    weight: int = setting(
        1, "how often each picture of --data is seen per epoch; the extra ones once", least=1, most=1000
    )
    epochs: int = setting(200, "passes over the pictures of --data", least=1)
    batch_size: int = setting(
        32, "pictures per step, but for those of --data-b, which join as many of --data", least=1
    )
    weight_decay: float = setting(0.0, "of AdamW", least=0, most=10)
    save_every: int = 10

    @property
    def sizes(self) -> dict[str, Any]:
        """Those that are the network's."""
        names = ("side", "channels", "widths", "ups", "shared", "latent_dim", "grey")
        return {name: getattr(self, name) for name in names}


class Triplet(nn.Module):
    """What learns: the twin, and a decoder for pictures of neither set where there are any."""

    def __init__(self, config: TwinAutoencoderConfig, has_extra: bool) -> None:
        super().__init__()
        self.twin = TwinAutoencoder(config)
        self.heads = [*self.twin.heads]
        if has_extra:
            self.third = Head(config)
            self.heads.append(self.third)


class TwinAutoencoderLesson(Lesson[TwinAutoencoderSettings]):
    """Both autoencoders at once, by one optimizer."""

    def __init__(self, materials: Materials[TwinAutoencoderSettings]) -> None:
        super().__init__(materials)
        assert self.others is not None  # `needs_second`
        self.config = TwinAutoencoderConfig(heads=_names(self.pictures, self.others), **self.settings.sizes)
        has_extra = self.pictures.main_count < len(self.pictures.images)
        self.learner: Triplet = self.learns(
            "network",
            Triplet(self.config, has_extra).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            lr=self.settings.lr,
            betas=(0.5, 0.999),
            weight_decay=self.settings.weight_decay,
        )
        self.network = self.learner.twin

    def indices(self) -> Tensor:
        """Return those of the first set, as often as `weight` says, and of the extra pictures."""
        return weighted(self.pictures, self.settings.weight)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Let each decoder give back the pictures of its own set."""
        assert batch.others is not None
        is_first = (batch.indices < self.pictures.main_count).to(self.device)
        first, extra = batch.images[is_first], batch.images[~is_first]
        sets = (first, batch.others[: len(first)], extra)
        inputs, targets = distorted(torch.cat(sets), self.settings)
        losses = self._losses(inputs, targets, [len(each) for each in sets])
        self.descend("network", losses["loss"], max_norm=10.0)
        return losses

    def _losses(self, inputs: Tensor, targets: Tensor, counts: list[int]) -> dict[str, Tensor]:
        """Return the losses of pictures: so many of the first set, of the second, and of neither."""
        features = self.network.trunk(self.network.encoder(inputs))
        parts = zip(("first", "second", "extra"), features.split(counts), targets.split(counts), strict=True)
        losses = {
            name: self._error(self.learner.heads[number](some).float(), wished)
            for number, (name, some, wished) in enumerate(parts)
            if len(some)
        }
        return {"loss": torch.stack(list(losses.values())).sum(), **losses}

    def _error(self, images: Tensor, targets: Tensor) -> Tensor:
        error = functional.l1_loss(images, targets)
        if self.settings.edges:
            error = error + self.settings.edges * edge_error(images, targets)
        return error

    def exported(self) -> dict[str, Exported]:
        """Return the twin."""
        model = architecture("twin-autoencoder").wrap(self.network, self.config, name="twin-autoencoder")
        return {"": Exported(model, self.config)}

    def examined(self) -> dict[str, float]:
        """Return the mean absolute error of kept-out pictures, drawn by their own set's decoder, of 1."""
        assert self.others is not None
        errors = {}
        for head, (name, pictures) in enumerate((("first", self.pictures), ("second", self.others))):
            if len(pictures.kept_out):
                images = self.in_unit(pictures.kept_out)
                errors[f"kept_out_{name}"] = float((self._drawn(images, head) - images).abs().mean())
        return errors

    def figures(self) -> dict[str, Any]:
        """Return what `examined` does, after the last step."""
        return {name: round(error, 4) for name, error in self.examined().items()}

    def shown(self) -> np.ndarray:
        """Return three rows for each set: pictures, its own decoder's, and the other one's."""
        assert self.others is not None
        rows = []
        for head, pictures in enumerate((self.pictures, self.others)):
            some = pictures.examples[:SHOWN]
            images = self.in_unit(np.resize(some, (SHOWN, *some.shape[1:])))
            rows += [images, self._drawn(images, head), self._drawn(images, 1 - head)]
        return np.stack([as_pixels(row) for row in rows])

    def _drawn(self, images: Tensor, head: int) -> Tensor:
        return torch.cat(
            [self.network.decode(self.network.encode(some)[0], head).float() for some in images.split(256)]
        )


def _names(pictures: TrainingPictures, others: TrainingPictures) -> tuple[str, str]:
    """Return names for the decoders: those of the collections, without their endings."""
    first, second = (Path(each.sources[0]).stem or "pictures" for each in (pictures, others))
    return (first, second) if first != second else (f"{first}-a", f"{second}-b")


def _check(settings: TwinAutoencoderSettings) -> None:
    """Raise `UsageError` for settings that do not go together."""
    if settings.channels == 1 and (settings.recolours or settings.grey or settings.extra):
        raise UsageError(
            "Grey pictures have no colours; leave out hue, saturation, lightness, grey and extra, or set channels=3."
        )
    try:
        TwinAutoencoderConfig(**settings.sizes)
    except ValueError as error:
        raise UsageError(f"These settings make no network: {error}; correct them.") from error


RECIPE = Recipe(
    name="twin-autoencoder",
    architecture="twin-autoencoder",
    summary="a face swap: one encoder and two decoders, learnt from two collections (--data, --data-b)",
    source="the design known as deepfakes, 2017; sub-pixel convolution, Shi et al. 2016 (1609.05158)",
    settings=TwinAutoencoderSettings,
    lesson=TwinAutoencoderLesson,
    spec=lambda settings, model: ImageSpec(settings.channels, settings.side, settings.side),
    check=_check,
    needs_second=True,
)
