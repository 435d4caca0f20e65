"""A diagnosis in words: how sure a guess is, what a hint is about, what to say first.

One place, so that `info` and the checkpoint doctor say the same. No file, no torch, no screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.data.wording import counted, shown
from explorer.formats.diagnosis import DOUBTFUL, Diagnosis, Guess

SURE = 0.9
"""From here on a guess is as good as known."""

SUBJECTS = {
    "image": "the picture's size",
    "range": "the range of the network's values",
    "activation": "the activation between the layers",
    "output": "the activation at the end",
    "order": "the order of channels",
    "color": "the order of colours",
    "prior": "what codes are drawn from",
    "start": "the first map",
    "classes": "the number of classes",
    "latent": "the width of a code",
    "eps": "the eps of batch norm",
    "upsample": "how maps are scaled up",
    "heads": "how the encoder gives mean and variance",
    "second": "what the encoder's second half is",
    "layers": "the row of the decoder's layers",
    "entry": "the part of the file",
    "architecture": "the architecture",
}
"""What each hint is about, to stand in a sentence; the order is that in which people are asked."""


LAST_RESORTS = ("image", "start", "layers")
"""The hints that may make a network of what nothing else could."""


def certainty_word(certainty: float) -> str:
    """Return `stated` (1), `sure`, `likely` or `doubtful` for a certainty 0..1."""
    if certainty >= 1:
        return "stated"
    return "sure" if certainty >= SURE else "likely" if certainty >= DOUBTFUL else "doubtful"


def subject(hint: str) -> str:
    """Return what a hint is about, to stand in a sentence."""
    return SUBJECTS.get(hint, f"the hint {hint}")


def headline(diagnosis: Diagnosis, advice: str = "choose {} below", *, failed: bool = False) -> str:
    """Return the sentence that names what is most likely wrong, so which hint is needed first.

    Args:
        diagnosis: what was found.
        advice: what to do about it, without the full stop; braces in it become "it" or "one".
        failed: no model came of it.
    """
    doubtful = diagnosis.doubtful
    if doubtful:
        name = subject(doubtful[0].hint)
        others = len(doubtful) - 1
        more = f", and so are {others} more" if others > 1 else ", and so is one more" if others else ""
        return f"{_capital(name)} is {'needed' if failed else 'a guess'}{more}: {advice.format('it')}."
    if failed and diagnosis.seems:
        return f"No network came of it, as it seems to {diagnosis.seems}."
    if failed:
        return (
            f"No network came of it; {_listed(map(subject, LAST_RESORTS))} may help: {advice.format('one')}."
        )
    guesses = [guess for guess in diagnosis.guesses if guess.certainty < 1]
    if guesses:
        return f"Everything fits; least certain is {subject(guesses[0].hint)}."
    return "Everything that is needed is in the file."


def summary(diagnosis: Diagnosis) -> str:
    """Return the doubtful guesses on one line: "Guessed: leaky_relu:0.2 between the layers."; empty without any."""
    said = [_said(guess) for guess in diagnosis.doubtful[:3]]
    return f"Guessed: {', '.join(said)}." if said else ""


_PHRASES = {
    "image": "pictures of {}",
    "range": "values of {}",
    "activation": "{} between the layers",
    "output": "{} at the end",
    "order": "channels in the order {}",
    "color": "colours in the order {}",
    "prior": "codes that are {}",
    "start": "a first map of {}",
    "classes": "{} classes",
    "latent": "codes of {} numbers",
    "eps": "an eps of {}",
    "upsample": "{} scaling",
    "heads": "heads of the encoder that are {}",
}
_SECOND = {
    "logvar": "an encoder that gives the logarithm of the variance (logvar)",
    "logsigma": "an encoder that gives the logarithm of the deviation (logsigma)",
    "sigma": "an encoder that gives the deviation itself (sigma)",
}


def guessed(guesses: Sequence[Guess]) -> str:
    """Return the sentence of a note on doubtful guesses, and which hints change them; empty without any."""
    if not guesses:
        return ""
    said = ", ".join(map(_said, guesses))
    hints = _listed([guess.hint for guess in guesses])
    word = "hint" if len(guesses) == 1 else "hints"
    return f"Guessed, as the file does not say it: {said}; where pictures look wrong, try the {word} {hints}."


def unused(diagnosis: Diagnosis) -> str:
    """Return the sentence on tensors that no part uses; empty without any."""
    keys = [tensor.key for tensor in diagnosis.tensors if not tensor.part]
    if not keys:
        return ""
    verb = "is" if len(keys) == 1 else "are"
    return f"{len(keys)} of {counted(len(diagnosis.tensors), 'tensor')} {verb} not used, such as {shown(keys[0])}."


def _said(guess: Guess) -> str:
    value = shown(guess.value, 40)
    if guess.hint in ("activation", "output") and guess.value == "identity":
        value = "no activation"
    if guess.hint == "prior" and guess.value == "none":
        return "codes without a known prior"
    if guess.hint == "range" and guess.value == "logits":
        return "logits, of which a sigmoid makes pictures"
    if guess.hint == "second" and guess.value in _SECOND:
        return _SECOND[guess.value]
    if guess.hint == "layers":
        return "which layers the decoder has"
    return _PHRASES.get(guess.hint, f"{guess.hint} {{}}").format(value)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
