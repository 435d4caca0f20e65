"""A history of made pictures, for critics that shall not forget what generators did before."""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """Keeps up to `size` made pictures; a critic gets old ones among the new.

    Shrivastava et al. 2017 (arXiv:1612.07828, section 2.3), with one picture drawn for each as in Zhu et al. 2017
    (arXiv:1703.10593, section 4): until it is full the pool gives back what comes. From then on each picture is, with
    a chance of one half, put in place of a kept one, which is given back instead. Chance is torch's global one.
    With pictures of another size it begins anew.

    Attributes:
        images: `(n, C, H, W)`, n up to `size`; None before the first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: Tensor | None = None

    def exchange(self, images: Tensor) -> Tensor:
        """Return as many pictures as came, `(N, C, H, W)`, none with gradients."""
        images = images.detach()
        return torch.stack([self._exchange_one(image) for image in images]) if self.size else images

    def _exchange_one(self, image: Tensor) -> Tensor:
        if self.images is None or self.images.shape[1:] != image.shape:
            self.images = image[None].clone()
        elif len(self.images) < self.size:
            self.images = torch.cat((self.images, image[None]))
        elif torch.rand(()) < 0.5:
            place = int(torch.randint(self.size, ()))
            kept = self.images[place].clone()
            self.images[place] = image
            return kept
        return image
