"""What was found in a checkpoint and how sure each finding is: what `info` prints and the checkpoint doctor shows.

Plain values; no file, no torch, no screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.errors import CheckpointError


@dataclass(frozen=True)
class TensorFact:
    """A tensor of the file and the part that uses it: "decoder", "encoder", "labels", or "" for none."""

    key: str
    shape: tuple[int, ...]
    dtype: str
    part: str = ""


@dataclass(frozen=True)
class LayerFact:
    """One layer as it was read or guessed.

    Attributes:
        part: "decoder" or "encoder", or what a head of the encoder gives: "mean", "logvar", ...
        text: in the words of the hint `layers`: `convT:k4s2p1`.
        key: of its tensors, empty where it has none.
        shape: of what leaves it, without the number of pictures; empty where unknown.
        certainty: 0..1; 1 where the file states it.
        reason: why it is believed, one short phrase.
    """

    part: str
    text: str
    key: str = ""
    shape: tuple[int, ...] = ()
    certainty: float = 1.0
    reason: str = ""


@dataclass(frozen=True)
class Guess:
    """One thing that the file does not state.

    Attributes:
        hint: the key of the hint that overrides it: `activation`, `output`, `image`, ...
        value: what was taken, as that hint would say it.
        certainty: 0..1.
        reason: why, one short phrase: "batch norm's statistics agree (0.02, the next 0.41)".
        others: what else is possible, likeliest first, as the hint would say it.
    """

    hint: str
    value: str
    certainty: float
    reason: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """All that was found.

    Attributes:
        tensors: of the file, in its order.
        layers: in the order in which they run.
        guesses: the least certain first.
        misfits: finished sentences on what does not fit.
        layers_text: the whole decoder as the hint `layers` takes it, which gives the same network again; empty where
            that hint is not heeded, or nothing was found.
        seems: what else the file seems to hold where nothing came of it, to stand behind "it seems to".
    """

    tensors: tuple[TensorFact, ...] = ()
    layers: tuple[LayerFact, ...] = ()
    guesses: tuple[Guess, ...] = ()
    misfits: tuple[str, ...] = field(default=())
    layers_text: str = ""
    seems: str = ""

    @property
    def doubtful(self) -> tuple[Guess, ...]:
        """The guesses that are more likely wrong than others, the likeliest to be wrong first."""
        return tuple(guess for guess in self.guesses if guess.certainty < DOUBTFUL)


DOUBTFUL = 0.75
"""Below that certainty a guess is pointed out to people."""


class Unfamiliar(CheckpointError):
    """No network could be made of a file; what was found is told, so that hints can help."""

    def __init__(self, text: str, diagnosis: Diagnosis) -> None:
        super().__init__(text)
        self.diagnosis = diagnosis


def by_certainty(guesses: Sequence[Guess]) -> tuple[Guess, ...]:
    """Return guesses with the least certain first."""
    return tuple(sorted(guesses, key=lambda guess: guess.certainty))
