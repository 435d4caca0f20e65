"""The code book `NAME.codes.npz`: the codes of real pictures, kept beside a checkpoint.

Arrays `mean (N, dim)`, `logvar (N, dim)` where the encoder is variational, `names (N,)`, one
`labels_<column>` a label column, `center (dim,)` and `spread (dim,)` for other programs, and `model_hash`,
`model_reading` and `space`. Data only, no pickles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.data.arrays import open_npz
from explorer.data.codes import in_float32
from explorer.data.wording import counted, shown_list
from explorer.errors import LatentError
from explorer.models.base import aggregate_posterior
from explorer.models.identity import can_compare, encoding_of
from explorer.paths import replacing

if TYPE_CHECKING:
    from explorer.models.base import LatentModel

_LABELS = "labels_"


@dataclass(frozen=True, eq=False)
class CodeBook:
    """Codes of pictures.

    Attributes:
        mean: float32 `(N, dim)`.
        logvar: float32 `(N, dim)`, or None where the encoder says no variance.
        names: of the pictures, N of them.
        labels: by column, arrays of N: float32 (NaN where unknown) or text ("" where unknown).
        model_sha256: hash of the checkpoint that made the codes, where known.
        space: the space they are in.
        reading: how that checkpoint was read then (`models.identity.encoding_of`), where known.
    """

    mean: np.ndarray
    logvar: np.ndarray | None = None
    names: tuple[str, ...] = ()
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    model_sha256: str | None = None
    space: str = "z"
    reading: str | None = None

    def __post_init__(self) -> None:
        count = len(self.mean)
        object.__setattr__(self, "mean", _frozen(self.mean))
        if self.logvar is not None:
            object.__setattr__(self, "logvar", _frozen(self.logvar))
            if self.logvar.shape != self.mean.shape:
                raise LatentError(
                    f"The code book's logvar is {_shape(self.logvar)} where its mean is {_shape(self.mean)}; "
                    "make it again with encode."
                )
        if not self.names:
            object.__setattr__(self, "names", tuple(str(index) for index in range(count)))
        lengths = {"names": len(self.names)} | {title: len(column) for title, column in self.labels.items()}
        for title, length in lengths.items():
            if length != count:
                raise LatentError(
                    f"The code book has {count} codes but {length} entries in {title}; make it again with "
                    "encode."
                )

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def dim(self) -> int:
        """Number of dimensions of a code."""
        return self.mean.shape[1]

    @classmethod
    def of(
        cls,
        model: LatentModel,
        mean: np.ndarray,
        logvar: np.ndarray | None,
        names: Sequence[str] = (),
        labels: Mapping[str, np.ndarray] | None = None,
    ) -> CodeBook:
        """Return the book of what a model's encoder said of pictures; the arguments are as the attributes.

        Raises:
            LatentError: some of it are no numbers.
        """
        broken = ~np.isfinite(mean if logvar is None else np.stack((mean, logvar))).all(axis=-1)
        if count := int(broken.reshape(-1, len(mean)).any(axis=0).sum()):
            raise LatentError(
                f"The codes that {model.name} gave of {count} of {counted(len(mean), 'picture')} are not numbers "
                "(NaN or infinite), so no code book was written; the weights may be damaged."
            )
        sha256 = model.origin.sha256 if model.origin else None
        reading = encoding_of(model) if model.has_encoder else None
        return cls(mean, logvar, tuple(names), labels or {}, sha256, model.default_space, reading)

    def was_read_as(self, model: LatentModel) -> bool:
        """Return whether a model of the same checkpoint was read as it was for these codes, or nobody can tell."""
        if self.reading is None or not model.has_encoder:
            return True
        now = encoding_of(model)
        return now == self.reading or not can_compare(now, self.reading)

    def save(self, path: Path | str) -> None:
        """Write the book, whole or not at all.

        Raises:
            OutputError: it could not be written.
        """
        center, spread = aggregate_posterior(self.mean, self.logvar)
        arrays: dict[str, np.ndarray] = {"mean": self.mean}
        if self.logvar is not None:
            arrays["logvar"] = self.logvar
        arrays["names"] = np.array(self.names, dtype=np.str_)
        arrays |= {_LABELS + column: np.asarray(values) for column, values in self.labels.items()}
        arrays["center"], arrays["spread"] = center.astype(np.float32), spread.astype(np.float32)
        arrays["space"] = np.array(self.space)
        if self.model_sha256:
            arrays["model_hash"] = np.array(self.model_sha256)
        if self.reading:
            arrays["model_reading"] = np.array(self.reading)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str) -> CodeBook:
        """Read a book; `mu` is taken for `mean` too.

        Raises:
            LatentError: the file is missing, damaged, or no code book.
        """
        arrays = open_npz(path, LatentError, "a code book that encode wrote (.npz)")
        mean = arrays.get("mean", arrays.get("mu"))
        if mean is None:
            raise LatentError(
                f"{path} has no array called mean (it has: {shown_list(arrays)}), so it is no code book; "
                "make one with encode."
            )
        logvar = arrays.get("logvar")
        labels = {
            name[len(_LABELS) :]: _column(values)
            for name, values in arrays.items()
            if name.startswith(_LABELS)
        }
        try:
            return cls(
                mean=_codes(mean),
                logvar=None if logvar is None else _codes(logvar),
                names=tuple(
                    str(name) for name in np.atleast_1d(arrays.get("names", np.array([], dtype=str)))
                ),
                labels=labels,
                model_sha256=str(arrays["model_hash"]) if "model_hash" in arrays else None,
                space=str(arrays["space"]) if "space" in arrays else "z",
                reading=str(arrays["model_reading"]) if "model_reading" in arrays else None,
            )
        except LatentError as error:
            raise LatentError(f"{path} cannot be used: {error}") from error


def _codes(array: np.ndarray) -> np.ndarray:
    """Return codes as finite float32 `(N, dim)`."""
    if array.ndim < 2 or not len(array) or array.dtype.kind not in "fiu":
        raise LatentError(f"its codes are {_shape(array)} {array.dtype} where numbers (N, dim) belong.")
    return in_float32(array.reshape(len(array), -1), "it holds")


def _column(values: np.ndarray) -> np.ndarray:
    """Return a label column as float32 or text."""
    return values.astype(np.float32) if values.dtype.kind in "fiub" else values.astype(np.str_)


def _frozen(array: np.ndarray) -> np.ndarray:
    frozen = np.array(array, dtype=np.float32)
    frozen.flags.writeable = False
    return frozen


def _shape(array: np.ndarray) -> str:
    return "x".join(map(str, array.shape)) or "a single value"
