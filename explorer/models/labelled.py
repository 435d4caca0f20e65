"""Generators that may be told a class: `decode` with labels, `encode` where the encoder wants the class as well."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from explorer.models.base import NO_OPTIONS, CodeDistribution, DecodeOptions, LatentModel, NativeRange


class LabelledModel(LatentModel):
    """A generator whose network has `decode(codes, labels)` and `encode(native, labels)`; labels may be None.

    Args:
        classes: how many there are; 0 for a network that takes none.
        encodes_labels: whether the encoder wants the class, too.
        input_range: of the encoder's pictures, where another than the decoder's.
    """

    def __init__(
        self,
        *args: Any,
        classes: int = 0,
        encodes_labels: bool = False,
        input_range: NativeRange | None = None,
        **described: Any,
    ) -> None:
        super().__init__(*args, **described)
        self.input_range = input_range
        self.classes = classes
        self.accepts = frozenset({"labels"}) if classes else frozenset()
        self._encodes_labels = encodes_labels

    def decode_raw(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` to the network's own values `(N, C, H, W)`; without labels, of class 0."""
        if not self.classes:
            return super().decode_raw(codes, space, options)
        labels = None if options.labels is None else torch.as_tensor(options.labels, device=codes.device)
        return self._decoded(codes, labels, space)

    def encode(self, images: Tensor) -> CodeDistribution:
        """Encode pictures `(N, C, H, W)` in 0..1.

        An encoder that wants the class is asked with every class; the one whose picture comes back best is taken.

        Raises:
            UsageError: the model has no encoder.
        """
        if not self.has_encoder or not self._encodes_labels:
            return super().encode(images)
        native = (self.input_range or self.native_range).to_native(images)
        tried = []
        for label in range(self.classes):
            labels = torch.full((len(images),), label, device=images.device)
            mean, logvar = self.network.encode(native, labels)  # type: ignore[operator]
            again = self.native_range.to_unit(self._decoded(mean, labels, self.default_space))
            tried.append(((again - images).square().flatten(1).mean(1), mean, logvar))
        best = torch.stack([error for error, _, _ in tried]).argmin(0)
        rows = torch.arange(len(images), device=images.device)
        mean = torch.stack([mean for _, mean, _ in tried])[best, rows]
        logvars = [logvar for _, _, logvar in tried if logvar is not None]
        return CodeDistribution(mean, torch.stack(logvars)[best, rows] if logvars else None)

    def _decoded(self, codes: Tensor, labels: Tensor | None, space: str) -> Tensor:
        return self.network.decode(codes.reshape(len(codes), *self.spaces[space].shape), labels)  # type: ignore[operator]
