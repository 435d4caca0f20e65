"""Latent spaces: named sets of codes with a prior, the ways between them, and what a decode depends on besides.

Plain values; torch is only named for types and imported when codes are mapped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

PriorName = Literal["normal", "uniform", "sphere", "none"]


@dataclass(frozen=True, eq=False)
class DecodeOptions:
    """What a decode may depend on besides the code; a model lists in `accepts` which of them it uses."""

    labels: np.ndarray | None = None  # (N,) int or (N, classes) one-hot
    psi: float | None = None
    psi_cutoff: int | None = None
    noise: Literal["const", "none", "random"] | None = None
    transform: np.ndarray | None = None  # (3, 3), inverse: from the picture to the network's own plane
    head: str | None = None  # one of the model's `heads`
    noise_seed: int | None = None  # of random noise; the same seed gives the same noise

    def given(self) -> tuple[str, ...]:
        """Return the names of the options that were given."""
        return tuple(name for name in self.__dataclass_fields__ if getattr(self, name) is not None)


NO_OPTIONS = DecodeOptions()


@dataclass(frozen=True, eq=False)
class Space:
    """One latent space of a model.

    Attributes:
        name: the paper's letter, `z`, `w`, `w+`. Behind a hyphen stands what tells it from others of its kind: codes
            of the principal directions of one code book mean nothing among those of another.
        shape: shape of one code, `(10,)` or `(4, 8, 8)`.
        prior: what sampling draws from; `none` means that the data must tell.
        center, spread: float32 `(dim,)`, per dimension: those of the codes of real pictures where a code
            book told them (`measured`, see `aggregate_posterior`), else the prior's.
        floor: no code is below it, as behind a ReLU; None where nothing is known of that.
        mappings: to other spaces: `mapping(codes (N, *shape), options) -> codes`, tensors.
        source: where this space has no prior of its own, the one whose samples, mapped, are its samples.
        leading: how many dimensions, the first ones, are worth a slider; the rest, which complete a map, are not
            looked at for being active. None where all are.
        stated: the file itself says centre and spread, so that they are not provisional without a prior.
    """

    name: str
    shape: tuple[int, ...]
    prior: PriorName = "normal"
    center: np.ndarray = field(default=None)  # type: ignore[arg-type]
    spread: np.ndarray = field(default=None)  # type: ignore[arg-type]
    measured: bool = False
    mappings: Mapping[str, Callable[[Tensor, DecodeOptions], Tensor]] = field(default_factory=dict)
    floor: float | None = None
    source: Space | None = None
    leading: int | None = None
    stated: bool = False

    def __post_init__(self) -> None:
        spread = {"uniform": 1 / math.sqrt(3), "sphere": 1 / math.sqrt(self.dim)}.get(self.prior, 1.0)
        for name, default in (("center", 0.0), ("spread", spread)):
            value = getattr(self, name)
            array = np.full(self.dim, default) if value is None else np.asarray(value)
            array = array.astype(np.float32).reshape(self.dim)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def letters(self) -> str:
        """The name as people see it, `pca` of `pca-3f2a91c0`."""
        return self.name.partition("-")[0]

    @property
    def dim(self) -> int:
        """Number of dimensions of a code, its shape multiplied out."""
        return math.prod(self.shape)

    @property
    def is_map(self) -> bool:
        """Whether a code has a height and a width: `(4, 8, 8)`, not a GAN's `(64, 1, 1)`."""
        return len(self.shape) == 3 and self.shape[1:] != (1, 1)

    def to(self, codes: Tensor, other_space: str, options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Map codes `(N, dim)` or `(N, *shape)` of this space to `other_space`: `(N, *its shape)`.

        Of the options only the labels count.

        Raises:
            UsageError: no mapping exists.
        """
        if other_space == self.name:
            return codes
        if other_space not in self.mappings:
            raise UsageError(
                f"No mapping from space {self.name} to {other_space} exists in this model; use one of its "
                "spaces."
            )
        return self.mappings[other_space](codes.reshape(len(codes), *self.shape), options)

    def mapped(self, codes: np.ndarray, other_space: str, options: DecodeOptions = NO_OPTIONS) -> np.ndarray:
        """Map codes as `to` does, arrays in and out: float32 `(N, dim of the other space)`.

        Raises:
            UsageError: no mapping exists.
        """
        import torch

        with torch.inference_mode():
            given = torch.tensor(np.asarray(codes, np.float32).reshape(len(codes), self.dim))
            return self.to(given, other_space, options).reshape(len(codes), -1).float().cpu().numpy()

    def with_data(self, mean: np.ndarray, logvar: np.ndarray | None = None) -> Space:
        """Return this space with centre and spread of the aggregate posterior of codes `(N, dim)`."""
        center, spread = aggregate_posterior(mean, logvar)
        return replace(self, center=center, spread=np.where(spread > 0, spread, 1.0), measured=True)


def aggregate_posterior(mean: np.ndarray, logvar: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and spread, float64 `(dim,)` each, of the codes that an encoder gives real pictures.

    The spread is `sqrt(var(mean_i) + mean(exp(logvar_i)))`: a dead dimension, whose means are all 0, has
    about 1 and not 0.

    Args:
        mean, logvar: `(N, dim)` or `(N, *shape)`; no `logvar` counts as no variance.
    """
    mean = np.asarray(mean).reshape(len(mean), -1)
    logvar = None if logvar is None else np.asarray(logvar).reshape(mean.shape)
    center, variance = np.empty(mean.shape[1]), np.empty(mean.shape[1])
    step = max(_AT_ONCE // max(len(mean), 1), 1)
    for start in range(0, mean.shape[1], step):  # of many maps the numbers in float64 would fill the memory
        part = slice(start, start + step)
        some = mean[:, part].astype(np.float64)
        center[part], variance[part] = some.mean(axis=0), some.var(axis=0)
        if logvar is not None:
            variance[part] += np.exp(logvar[:, part].astype(np.float64)).mean(axis=0)
    return center, np.sqrt(variance)


_AT_ONCE = 1 << 23  # numbers
