"""What the doctor says of a model and of what was found, as texts; no widgets here."""

from __future__ import annotations

from explorer.errors import UsageError
from explorer.formats.diagnosis import Diagnosis, Guess
from explorer.formats.sidecars import parsed_hints

UNHEEDED = "The hint "  # how sentences of `formats.heeding` begin


def can_be_told(model: object) -> bool:
    """Return whether hints may change a model: the program's own format states everything."""
    origin = getattr(model, "origin", None)
    return origin is None or origin.format != "native"


def is_hint(guess: Guess) -> bool:
    """Return whether a guess can be said as a hint."""
    try:
        parsed_hints({guess.hint: guess.value})
    except UsageError:
        return False
    return True


def misfits_of(diagnosis: Diagnosis | None, said: str) -> str:
    """Return what does not fit, the first few lines, without what is said below the pictures anyway."""
    found = diagnosis.misfits if diagnosis is not None else ()
    return "\n".join([line for line in found if line.rstrip(".").lower() not in said.lower()][:3])


def unheeded(model: object) -> str:
    """Return what the reader says of hints that changed nothing."""
    return " ".join(note for note in getattr(model, "notes", ()) if note.startswith(UNHEEDED))


def described(model: object) -> str:
    """Return a model's facts on one line, as the header of the window has them."""
    if model is None or not hasattr(model, "spaces"):
        return ""
    space = model.spaces[model.default_space]  # type: ignore[attr-defined]
    image = model.image  # type: ignore[attr-defined]
    return f"{model.architecture} · {space.dim}-D · {image.width}×{image.height}"  # type: ignore[attr-defined]
