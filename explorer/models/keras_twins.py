"""Decoders that share an encoder, as everyone else sees them: one model, and an option that says which decoder draws.

A face swap is what comes when one person's decoder draws a code of the other's picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from explorer.models.base import NO_OPTIONS, DecodeOptions
from explorer.models.heads import checked_head
from explorer.models.keras_model import Decoding, Encoding, KerasModel, KerasNetwork


class TwinNetwork(KerasNetwork):
    """The ways through a graph with several decoders.

    Args:
        decodings: of each decoder, by its name, the first one's first.
        encoding: of the encoder that they share.
    """

    def __init__(self, decodings: Mapping[str, Decoding], encoding: Encoding | None) -> None:
        super().__init__(next(iter(decodings.values())), encoding)
        self.decodings = dict(decodings)

    def decode_by(self, head: str | None, codes: Tensor) -> Tensor:
        """Return native pictures `(N, C, H, W)` of codes `(N, *shape)`, by one decoder; by the first if None."""
        way = self.decodings[head] if head is not None else self.decoding
        return way.layout.picture(way.network.run(way.plan, [codes])[0])


class TwinModel(KerasModel):
    """A generator with several decoders, read from a Keras file."""

    network: TwinNetwork

    def __init__(self, network: TwinNetwork, **described: Any) -> None:
        super().__init__(network, **described)
        self.heads = tuple(network.decodings)
        self.accepts = frozenset({"head"})

    def decode_raw(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` to the network's own values `(N, C, H, W)`, unclipped.

        Raises:
            UsageError: there is no such decoder.
        """
        checked_head(self, options.head)
        return self.network.decode_by(options.head, codes.reshape(len(codes), *self.spaces[space].shape))
