"""Errors that a user can cause; each text is one finished sentence: what, where, what to try.

Raised anywhere, caught only at the edges (decode thread, job, slot, command line). A bug is not one of these.
"""


class ExplorerError(Exception):
    """Base of everything a user can cause; `str(error)` is ready to be shown."""


class UsageError(ExplorerError):
    """A call or an option that makes no sense here (command line: exit status 2)."""


class CheckpointError(ExplorerError):
    """A checkpoint or sidecar that cannot be used."""


class ImageError(ExplorerError):
    """A picture, or a collection of pictures, that cannot be read or does not fit."""


class LatentError(ExplorerError):
    """Codes, labels or a code book that cannot be read or do not fit the model."""


class StageError(ExplorerError):
    """A stage whose input does not fit what comes before it; the text names both shapes."""


class NetworkError(ExplorerError):
    """A network that fails while it runs, or gives what cannot be used; the text names its model.

    Where it raised something itself, that is the `__cause__`.
    """


class RecipeError(ExplorerError):
    """A recipe or a saved session that cannot be used, or whose checkpoint is not to be found."""


class TrainingError(ExplorerError):
    """A training that cannot go on; what was saved before is untouched."""


class OutputError(ExplorerError):
    """A file that could not be written; the old one is untouched."""


class DeviceError(ExplorerError):
    """A device that is not there, or has no memory left."""


class Cancelled(Exception):
    """Raised inside long work when `should_stop()` turned true; never shown."""


_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def ran_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, torch's own as well, says that a device has no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _OUT_OF_MEMORY)
