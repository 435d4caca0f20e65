"""ONNX graphs as everyone else sees them: codes to pictures, or pictures to pictures, run by a session from outside.

Which input is the code and where the picture is, is found by `formats.onnx_file`. The graph runs on the processor
whatever device was chosen; what comes out goes back to where the input was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models.base import PriorName, Space, StageModel
from explorer.models.keras_model import Layout
from explorer.models.labelled import LabelledModel
from explorer.models.onnx_feeds import Array, Feed, Session, together


@dataclass(frozen=True, eq=False)
class Way:
    """One way through a graph.

    Attributes:
        feeds: its inputs, one of them for codes or pictures.
        output: the value that is wanted.
        at_once: how many it takes at once; None for any number.
        layout: of what comes out, for one.
        weights: how many numbers the graph keeps.
    """

    session: Session
    feeds: tuple[Feed, ...]
    output: str
    at_once: int | None
    layout: Layout
    weights: int

    def run(self, given: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the values `(N, *shape)`, float32, for codes or pictures `(N, ...)`."""
        main = given.detach().to("cpu", torch.float32).numpy()
        told = None if labels is None else labels.detach().cpu().numpy()
        step = self.at_once or len(main)
        parts = [
            self._part(main[at : at + step], None if told is None else told[at : at + step], step)
            for at in range(0, len(main), max(step, 1))
        ]
        values = np.concatenate(parts) if len(parts) != 1 else parts[0]
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(given.device)

    def _part(self, main: Array, labels: Array | None, step: int) -> Array:
        """Return the values for as many as go in at once, or fewer: then the last is given again."""
        count = len(main)
        if count < step:
            main = np.concatenate([main] + [main[-1:]] * (step - count))
            labels = None if labels is None else np.concatenate([labels] + [labels[-1:]] * (step - count))
        value = self.session.run([self.output], together(self.feeds, main, labels))[0]
        return value[:count] if value.ndim and len(value) == step else value[None]


class OnnxDecoder(nn.Module):
    """From codes to pictures."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        self.way = way

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return native pictures `(N, C, H, W)` of codes `(N, *shape)`; without labels, of class 0."""
        return self.way.layout.picture(self.way.run(codes, labels))


class OnnxModel(LabelledModel):
    """A generator read from an ONNX file."""

    network: OnnxDecoder

    def __init__(self, way: Way, *, code: tuple[int, ...], prior: PriorName, **described: Any) -> None:
        super().__init__(
            OnnxDecoder(way),
            architecture="onnx",
            image=way.layout.image,
            spaces=[Space("z", code, prior)],
            **described,
        )

    @property
    def parameter_count(self) -> int:
        """Number of weights in the graph."""
        return self.network.way.weights


class OnnxPictures(nn.Module):
    """From pictures to pictures.

    Args:
        way: through the graph.
        before_last, after_last: the channels are the last axis of what goes in, and of what comes out.
    """

    def __init__(self, way: Way, *, before_last: bool, after_last: bool) -> None:
        super().__init__()
        self.way = way
        self._before_last, self._after_last = before_last, after_last

    def forward(self, images: Tensor) -> Tensor:
        """Return native pictures `(N, C, H, W)` of native ones."""
        given = images.permute(0, 2, 3, 1) if self._before_last else images
        made = self.way.run(given)
        return made.permute(0, 3, 1, 2) if self._after_last else made


class OnnxStage(StageModel):
    """A stage read from an ONNX file."""

    network: OnnxPictures

    @property
    def parameter_count(self) -> int:
        """Number of weights in the graph."""
        return self.network.way.weights
