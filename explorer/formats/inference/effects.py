"""How much a picture changes when something that was guessed is another: what does not show need not be asked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.formats.inference.slots import Slots, with_choice
from explorer.formats.inference.work import drawn, fewer, is_sound
from explorer.models.layered import Layered

Tensors = Mapping[str, Tensor]

_COUNT = 10
_SEEN = 0.03  # mean difference, of the standard deviation, that people see


class Effects:
    """The pictures of one network, and of those that differ from it in one guess.

    Args:
        slots: the candidate.
        choices: what was taken, by index of the slot.
        tensors: of the file.
    """

    def __init__(self, slots: Slots, choices: Mapping[int, int], tensors: Tensors) -> None:
        self._slots, self._choices, self._tensors = slots, dict(choices), tensors
        generator = torch.Generator().manual_seed(1)
        config = slots.candidate.config
        self._codes = torch.randn((fewer(_COUNT, config), config.latent_dim), generator=generator)
        self._pictures = self._decoded(self._choices) if is_sound(config, tensors) else None

    def of(self, group: str, word: str) -> float:
        """Return how much of a difference another word in a group makes: 0 for none, 1 for one that is plain.

        Where it cannot be told, 1.
        """
        changed = dict(self._choices)
        for index, slot in enumerate(self._slots.slots):
            at = next((at for at, option in enumerate(slot.options) if option.word == word), None)
            empty = slot.options[changed.get(index, 0)].word == "identity" and group != "output"
            if slot.group == group and slot.part == "decoder" and at is not None and not empty:
                changed[index] = at
        if changed == self._choices:
            return 0.0
        other = self._decoded(changed) if self._pictures is not None else None
        if self._pictures is None or other is None:
            return 1.0
        scale = self._pictures.std().clamp_min(1e-6)
        count = min(len(other), len(self._pictures))
        apart = float((other[:count] - self._pictures[:count]).abs().mean() / scale)
        return min(1.0, apart / _SEEN) if apart == apart else 1.0

    def _decoded(self, choices: Mapping[int, int]) -> Tensor | None:
        with torch.inference_mode():
            try:
                network = Layered(with_choice(self._slots, choices), self._tensors)
                labels = network.config.labels
                given = torch.arange(len(self._codes)) % labels.classes if labels else None
                return drawn(network, self._codes, given)
            except (RuntimeError, ValueError):
                return None
