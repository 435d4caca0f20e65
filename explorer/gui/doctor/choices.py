"""What the doctor lets a person choose: one entry a hint, with its title and its usual values. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.formats.diagnosis import DOUBTFUL
from explorer.formats.diagnosis_words import LAST_RESORTS, SURE, certainty_word
from explorer.formats.sidecars import HINTS, example
from explorer.models import ARCHITECTURES
from explorer.models.layers import ACTIVATIONS

if TYPE_CHECKING:
    from explorer.formats.diagnosis import Diagnosis, Guess, LayerFact


NO_HINTS: Mapping[str, str] = {}
CERTAINTY = "certainty of layers"  # among the facts, no hint
SETTLED_BY_LAYERS = "the layers of the decoder say it; change them, or take them back"


@dataclass(frozen=True)
class Choice:
    """One hint as it is shown.

    Attributes:
        hint: its key.
        title: before the field.
        usual: values that are offered behind those that the file suggests.
        is_free: whether something else can be typed.
    """

    hint: str
    title: str
    usual: tuple[str, ...] = ()
    is_free: bool = True

    @property
    def tip(self) -> str:
        """What it may be."""
        return f"Give {example(self.hint)}"


_SMOOTH = ("elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "identity")
_SIZES = ("1x28x28", "3x32x32", "1x64x64", "3x64x64", "3x128x128", "3x256x256")

CHOICES = (
    Choice("image", "Picture size", _SIZES),
    Choice("range", "Range of values", ("0..1", "-1..1", "0..255", "logits")),
    Choice("activation", "Activation", ("relu", "leaky_relu:0.2", "leaky_relu:0.01", *_SMOOTH)),
    Choice("output", "Last activation", ("sigmoid", "tanh", "identity", "hardtanh", "relu")),
    Choice("order", "Order of channels", ("CHW", "HWC"), is_free=False),
    Choice("color", "Order of colours", ("RGB", "BGR"), is_free=False),
    Choice("prior", "Prior", ("normal", "uniform", "sphere", "none"), is_free=False),
    Choice("start", "First map"),
    Choice("classes", "Classes", ("0", "10")),
    Choice("latent", "Width of a code"),
    Choice("eps", "Eps of batch norm", ("1e-05", "0.001", "0.8")),
    Choice("upsample", "Scaling up", ("nearest", "bilinear", "bilinear,align"), is_free=False),
    Choice("heads", "Encoder's heads", ("separate", "halves", "interleaved", "single"), is_free=False),
    Choice("second", "Second head", ("logvar", "logsigma", "sigma"), is_free=False),
    Choice("architecture", "Architecture", tuple(ARCHITECTURES), is_free=False),
    Choice("entry", "Part of the file"),
    Choice("layers", "Layers of the decoder"),
)
"""All of them, in the order in which they are asked where none is more doubtful than another."""

LAYERS = "layers"
"""The hint that settles the whole decoder; it has a row of its own kind, which is always seen."""

ALWAYS = ("image", "range", "activation", "output", "prior", LAYERS)
"""Shown without being asked for, also where they are not guessed."""

OF_LAYERS = ("activation", "output")
"""Those among them that speak of layers, and so of nothing where the file states the layers."""

SETTLED = (*OF_LAYERS, "start", "upsample", "eps")
"""What the hint `layers` says, too, so that nothing else is asked where it is given."""


@dataclass(frozen=True)
class Shown:
    """What a row shows of a choice.

    Attributes:
        value: what is taken now, empty where nobody knows.
        others: likelier ones before the usual ones.
        word: how sure it is: "stated", "sure", "likely", "doubtful", or "chosen" here, or "kept" from an earlier
            time, or "needed" before anything else; empty where there is nothing to say.
        reason: why, for the tip.
    """

    value: str = ""
    others: tuple[str, ...] = ()
    word: str = ""
    reason: str = ""


def shown(
    choice: Choice,
    guess: Guess | None,
    facts: Mapping[str, str],
    chosen: Mapping[str, str],
    kept: Mapping[str, str] = NO_HINTS,
    *,
    failed: bool = False,
) -> Shown:
    """Return what a row shows.

    Args:
        choice: of which hint.
        guess: what the reader guessed before anything was chosen for it.
        facts: what is known of the model, by hint.
        chosen: what holds instead of a guess.
        kept: what of it was kept before.
        failed: no model came of it, so a doubtful guess is a proposal and no more.
    """
    guessed = guess.value if guess else ""
    own = chosen.get(choice.hint, "")
    others = guess.others if guess else ()
    values = tuple(dict.fromkeys(value for value in (guessed, *others, *choice.usual) if value))
    if not own and chosen.get(LAYERS) and choice.hint in SETTLED:
        return Shown(facts.get(choice.hint, ""), values, "", SETTLED_BY_LAYERS)
    if own:
        word = "kept" if kept.get(choice.hint) == own else "chosen"
        return Shown(own, values, word, f"guessed was {guessed}" if guessed else "")
    if guess and failed and guess.certainty < DOUBTFUL:
        return Shown("", values, "needed", guess.reason)
    if guess:
        return Shown(guessed, values, certainty_word(guess.certainty), guess.reason)
    value = facts.get(choice.hint, "")
    if choice.hint == LAYERS and value:
        return Shown(value, values, facts.get(CERTAINTY, ""))
    return Shown(value, values)


def order_of(
    guesses: Sequence[Guess],
    before: Sequence[str] = (),
    *,
    stated: bool = False,
    failed: bool = False,
    tells_layers: bool = True,
) -> tuple[str, ...]:
    """Return the hints to show first, the most doubtful first; those shown `before` keep their places.

    `stated` says that the file states all layers, `failed` that nothing came of them, `tells_layers` that the
    hint `layers` may change something.
    """
    doubted = [guess.hint for guess in sorted(guesses, key=_certainty) if guess.certainty < SURE]
    if failed and not doubted:
        doubted = [*LAST_RESORTS]
    idle = {*(OF_LAYERS if stated else ()), *(() if tells_layers else (LAYERS,))}
    always = [hint for hint in ALWAYS if hint not in idle]
    wanted = [hint for hint in (*doubted, *always) if hint in HINTS]
    return tuple(dict.fromkeys((*before, *wanted)))


def _certainty(guess: Guess) -> float:
    return guess.certainty


def facts_of(model: Any, diagnosis: Diagnosis | None) -> dict[str, str]:
    """Return what is known of a model as texts, by the hint that would say it; also of a stage or of nothing."""
    facts = {}
    if model is not None and hasattr(model, "spaces"):
        image, space = model.image, model.spaces[model.default_space]
        facts = {"prior": space.prior, "latent": str(space.dim), "range": str(model.native_range)}
        if image.height and image.width:
            facts["image"] = f"{image.channels}x{image.height}x{image.width}"
        facts["classes"] = str(getattr(model, "classes", 0))
    return facts | _facts_of_layers(diagnosis)


def can_tell_layers(model: Any, diagnosis: Diagnosis | None) -> bool:
    """Return whether the hint `layers` may change a model, or make one where there is none."""
    return model is None or (diagnosis is not None and bool(diagnosis.layers_text))


def states_layers(diagnosis: Diagnosis | None) -> bool:
    """Return whether a file states the decoder's layers."""
    layers = _decoder(diagnosis)
    return bool(layers) and all(layer.certainty >= 1 for layer in layers)


def _facts_of_layers(diagnosis: Diagnosis | None) -> dict[str, str]:
    """Return what the decoder's layers say of the activations, and of themselves."""
    layers = _decoder(diagnosis)
    words = [word for layer in layers for word in layer.text.split()]
    if not words:
        return {}
    last = words[-1] if _is_activation(words[-1]) else "identity"
    hidden = {word for word in words[:-1] if _is_activation(word)}
    return {
        LAYERS: diagnosis.layers_text or " ".join(words),  # type: ignore[union-attr]
        CERTAINTY: certainty_word(min(layer.certainty for layer in layers)),
        "output": last,
        **({"activation": hidden.pop()} if len(hidden) == 1 else {}),
        **_eps_of(words),
    }


def _eps_of(words: Sequence[str]) -> dict[str, str]:
    """Return the eps of the batch norms, where they have one in common."""
    norms = [word.partition("@")[0] for word in words if word.startswith("bn")]
    said = {word.partition(":eps")[2] or "1e-05" for word in norms}
    return {"eps": said.pop()} if len(said) == 1 else {}


def _decoder(diagnosis: Diagnosis | None) -> list[LayerFact]:
    return [layer for layer in diagnosis.layers if layer.part == "decoder"] if diagnosis else []


def _is_activation(word: str) -> bool:
    return word.partition(":")[0] in ACTIVATIONS
