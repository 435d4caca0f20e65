"""Generators with a mapping network and styles: what the StyleGANs have in common, whoever wrote the file.

Karras et al. 2018, "A Style-Based Generator Architecture for Generative Adversarial Networks" (arXiv:1812.04948):
spaces z and w, truncation, noise, style mixing; w+, one w a layer: Abdal et al. 2019, "Image2StyleGAN"
(arXiv:1904.03189). The networks themselves are in files of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import UsageError
from explorer.models.base import NO_OPTIONS, DecodeOptions, ImageSpec, LatentModel, NativeRange, Origin, Space
from explorer.models.style_noise import Noise

SAMPLED = 1024
"""Codes drawn to know how far w reaches."""
_PART = 256  # codes mapped at once
_PLACES = 8  # codes around which a step in z is followed into w
TANH = NativeRange(-1.0, 1.0)


class StyleNetwork(Protocol):
    """What a network must have to become a `StyleModel`; all are `nn.Module`s in evaluation mode.

    `w_avg (w_dim,)` is what truncation draws towards. `c_dim` counts the classes, 0 where there is none.
    """

    z_dim: int
    w_dim: int
    num_ws: int
    c_dim: int
    w_avg: Tensor
    has_noise: bool
    has_transform: bool

    def mapping(self, z: Tensor, c: Tensor | None) -> Tensor:
        """Return w `(N, w_dim)`, not truncated, of z `(N, z_dim)` and one-hot classes `(N, c_dim)`."""

    def style_matrices(self) -> Sequence[Tensor]:
        """Return the matrix `(C, w_dim)` by which each of the `num_ws` layers turns w into styles, if all do."""

    def synthesis(self, ws: Tensor, noise: Noise, transform: Tensor | None) -> Tensor:
        """Return native pictures `(N, C, H, W)`, unclipped, of `(N, num_ws, w_dim)`."""


class _Ways:
    """From space to space of a network with styles; apart from the model, whose spaces would else hold the model."""

    def __init__(self, style: StyleNetwork) -> None:
        self.style = style

    def w(self, z: Tensor, options: DecodeOptions) -> Tensor:
        """Map z `(N, z_dim)` to w `(N, w_dim)`; without labels, of class 0."""
        z = z.to(self.style.w_avg.device)
        c = self._one_hot(options, len(z))
        parts = [
            self.style.mapping(z[at : at + _PART], None if c is None else c[at : at + _PART])
            for at in range(0, len(z), _PART)
        ]
        return torch.cat(parts) if parts else z.new_zeros(0, self.style.w_dim)

    def w_plus(self, z: Tensor, options: DecodeOptions) -> Tensor:
        return self.broadcast(self.w(z, options), options)

    def broadcast(self, w: Tensor, options: DecodeOptions) -> Tensor:
        return w.unsqueeze(1).expand(-1, self.style.num_ws, -1)

    @staticmethod
    def mean_style(ws: Tensor, options: DecodeOptions) -> Tensor:
        return ws.mean(1)

    def _one_hot(self, options: DecodeOptions, count: int) -> Tensor | None:
        """Return classes as `(count, c_dim)`; one of them stands for all."""
        if not self.style.c_dim:
            return None
        labels = torch.as_tensor(
            np.zeros(1, np.int64) if options.labels is None else np.asarray(options.labels)
        )
        if labels.ndim == 1:
            labels = nn.functional.one_hot(labels.long(), self.style.c_dim)
        labels = labels.to(self.style.w_avg.device, torch.float32)
        return labels.expand(count, -1) if len(labels) == 1 else labels


class StyleModel(LatentModel):
    """A generator with the spaces `z`, `w` and `w+`, truncation, noise, classes and moves, as its network has them.

    Truncation `w_avg + psi (w - w_avg)` works in every space, on the first `psi_cutoff` layers or all. Codes map
    from z to w and w+, and from w to w+; from w+ back to w goes the mean of the layers.
    """

    def __init__(self, network: nn.Module, **described: Any) -> None:
        self.network = network
        super().__init__(network, spaces=self._make_spaces(), **described)
        self.classes = self.style.c_dim
        self.layers = self.style.num_ws
        accepts = {"psi", "psi_cutoff"}
        accepts |= {"noise", "noise_seed"} if self.style.has_noise else set()
        accepts |= {"transform"} if self.style.has_transform else set()
        self.accepts = frozenset(accepts | ({"labels"} if self.classes else set()))

    @property
    def style(self) -> StyleNetwork:
        """The network, by what it must have."""
        return cast("StyleNetwork", self.network)

    @property
    def explored_space(self) -> str:
        """`w`: its centre is the average picture, while the code 0 of z, which has no direction, is none at all."""
        return "w"

    # ---- spaces ----

    def _make_spaces(self) -> list[Space]:
        style, ways = self.style, _Ways(self.style)
        z = Space("z", (style.z_dim,), mappings={"w": ways.w, "w+": ways.w_plus})
        center, spread = self._reach(z)
        w = Space(
            "w",
            (style.w_dim,),
            "none",
            center,
            spread,
            mappings={"w+": ways.broadcast},
            source=z,
        )
        layers = style.num_ws
        w_plus = Space(
            "w+",
            (layers, style.w_dim),
            "none",
            np.tile(center, layers),
            np.tile(spread, layers),
            mappings={"w": ways.mean_style},
            source=z,
        )
        return [z, w, w_plus]

    def _reach(self, z: Space) -> tuple[np.ndarray, np.ndarray]:
        """Return centre and spread of w: the average that the file kept (else of samples), and that of samples."""
        generator = np.random.default_rng(0)
        codes = torch.from_numpy(generator.standard_normal((SAMPLED, z.dim)).astype(np.float32))
        classes = np.arange(SAMPLED) % max(self.style.c_dim, 1)
        with torch.inference_mode():
            sampled = z.to(codes, "w", DecodeOptions(labels=classes)).float().cpu()
        kept = self.style.w_avg.float().cpu()
        center = kept if bool((kept != 0).any()) else sampled.mean(0)
        spread = sampled.std(0)
        return center.numpy(), torch.where(spread > 0, spread, torch.ones(())).numpy()

    # ---- pictures ----

    def check_options(self, space: str, options: DecodeOptions) -> None:
        """Raise `UsageError` as the contract says, and for a cutoff behind the last layer."""
        super().check_options(space, options)
        if options.psi_cutoff is not None and options.psi_cutoff > self.layers:
            raise UsageError(
                f"{self.name} has {self.layers} layers, so it cannot truncate the first {options.psi_cutoff}; give "
                f"0 to {self.layers}, or leave that out for all."
            )

    def styles(self, codes: Tensor, space: str, options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Return the truncated styles `(N, layers, w_dim)` of codes `(N, dim)` or `(N, *shape)` of any space."""
        ws = self.spaces[space].to(codes, "w+", options).reshape(len(codes), self.style.num_ws, -1)
        psi = 1.0 if options.psi is None else options.psi
        cutoff = self.style.num_ws if options.psi_cutoff is None else options.psi_cutoff
        if psi == 1.0 or cutoff <= 0:
            return ws
        average = self.style.w_avg.to(ws)
        return torch.cat([average + psi * (ws[:, :cutoff] - average), ws[:, cutoff:]], dim=1)

    def decode_raw(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` or `(N, *shape)` to the network's own values `(N, C, H, W)`, unclipped."""
        return self.style.synthesis(
            self.styles(codes, space, options), _noise(options), _matrix(options, codes)
        )

    @property
    def has_preview(self) -> bool:
        """Whether the network draws smaller pictures on its way."""
        return bool(getattr(self.network, "draws_early", False))

    def preview(
        self,
        codes: Tensor,
        space: str = "z",
        options: DecodeOptions = NO_OPTIONS,
        max_side: int | None = None,
    ) -> Tensor:
        """Decode to smaller pictures of at least `max_side` pixels, where the network has them on its way."""
        if not self.has_preview or max_side is None:
            return self.decode(codes, space, options)
        native = self.network.synthesis_preview(  # type: ignore[operator]
            self.styles(codes, space, options), _noise(options), _matrix(options, codes), max_side
        )
        return self.native_range.to_unit(native).clamp(0, 1)

    def estimated_sensitivity(
        self, codes: Tensor, space: str, options: DecodeOptions = NO_OPTIONS
    ) -> Tensor | None:
        """Return the relative weight of each dimension, `(dim,)`, by the layers that turn w into styles.

        A unit of w moves the scales of a layer's feature maps by the columns of its matrix, the closed form of Shen &
        Zhou 2020 (arXiv:2007.06600); in z, what w moves by around the codes. One spread of each dimension counts.
        """
        matrices = self.style.style_matrices()  # (C, w_dim) each
        if len(matrices) != self.layers:
            return None
        rows = torch.stack([matrix.float().square().sum(0) for matrix in matrices]).sqrt()  # (layers, w_dim)
        spread = torch.from_numpy(self.spaces[space].spread.copy()).to(rows)
        if space == "w+":
            return (rows * spread.reshape(rows.shape)).flatten()
        every = rows.square().sum(0).sqrt()  # (w_dim,)
        if space == "w":
            return every * spread
        z, steps = self.spaces[space], torch.diag(spread / 2)
        found = torch.zeros_like(spread)
        for code in codes[:_PLACES].to(rows).reshape(-1, len(spread)):
            change = z.to(code + steps, "w", options) - z.to(code - steps, "w", options)  # (z_dim, w_dim)
            found += (change * every).square().sum(1).sqrt()
        return found


def _noise(options: DecodeOptions) -> Noise:
    return Noise(options.noise or "const", options.noise_seed or 0)


def _matrix(options: DecodeOptions, like: Tensor) -> Tensor | None:
    return (
        None
        if options.transform is None
        else torch.as_tensor(options.transform, dtype=torch.float32).to(like)
    )


def wrap(
    network: nn.Module,
    *,
    name: str,
    architecture: str,
    image: ImageSpec,
    origin: Origin | None = None,
    notes: Sequence[str] = (),
    native_range: NativeRange = TANH,
    source_text: str = "",
) -> StyleModel:
    """Return the model of a network that is a `StyleNetwork`, put into evaluation mode.

    `source_text` is what the file carries of its program, to be shown.
    """
    network.eval().requires_grad_(False)
    model = StyleModel(
        network,
        name=name,
        architecture=architecture,
        image=image,
        origin=origin,
        notes=notes,
        native_range=native_range,
    )
    model.source_text = source_text
    return model
