"""A format of the tests' own whose files leave much open: what is guessed, and what hints change, is all here.

A file is one line, `doctored` and a word: `doubtful` opens with guesses, `unfamiliar` opens with the hint
`image` alone, `hopeless` with `layers` alone, `judge` never, `plain` leaves nothing open, `encoding`
neither, and it has an encoder. Install it with the fixture `doctored`.
"""

import pytest

MAGIC = b"doctored "


def write(path, kind="doubtful"):
    """Write a checkpoint of that format."""
    path.write_bytes(MAGIC + kind.encode())
    return path


@pytest.fixture
def doctored(monkeypatch):
    """Let the program read that format; the value is `write`."""
    from explorer import formats
    from explorer.formats import heeding
    from explorer.formats.reader import Reader

    reader = Reader("doctored", lambda head, path: head.startswith(MAGIC), _load, _build)
    monkeypatch.setitem(formats.READERS, "doctored", reader)
    monkeypatch.setattr(heeding, "unheeded", lambda *_: ())  # which knows no such network
    return write


def _load(reading):
    return reading.path.read_bytes().removeprefix(MAGIC).decode()


def _build(kind, reading):
    from explorer.errors import CheckpointError
    from explorer.formats.diagnosis import Diagnosis, Unfamiliar

    hints = reading.hints
    found = diagnosis(kind, hints)
    if kind == "unfamiliar" and hints.image is None:
        raise Unfamiliar(f"{reading.path} leaves the picture's size open; give --hint image=1x8x8.", found)
    if kind == "judge":
        seems = Diagnosis(found.tensors, seems="judge pictures, not to draw any")
        raise Unfamiliar(f"{reading.path} holds no network: it seems to {seems.seems}.", seems)
    if kind == "hopeless" and hints.layers is None:
        raise Unfamiliar(f"{reading.path} leads nowhere; give hints.", found)
    if hints.layers is not None and [layer.kind for layer in hints.layers].count("linear") != 2:
        raise Unfamiliar(f"{reading.path} has two linear layers, others than the hint says.", Diagnosis())
    side = hints.image.height if hints.image else 8
    if side > 32:
        raise CheckpointError(f"{reading.path} has too few numbers for that size; try 1x8x8.")
    return _model(kind, side, hints, found if kind not in ("plain", "encoding") else None, reading)


def _model(kind, side, hints, found, reading):
    import torch
    from torch import nn

    from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
    from explorer.models.layer_modules import module_of
    from explorer.models.layers import Layer

    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, last = nn.Linear(4, 32), nn.Linear(32, side * side)
        for linear in (first, last):
            nn.init.normal_(linear.weight)
    kinds = (hints.activation, "relu"), (hints.output, "sigmoid")
    if hints.layers is not None:
        told = [layer for layer in hints.layers if layer.kind != "linear"]
        kinds = (told[0], ""), (told[1], "")
    activations = [module_of(layer or Layer(kind), {}) for layer, kind in kinds]
    network = nn.Sequential(first, activations[0], last, activations[1]).eval()
    network.decode = lambda codes: network(codes).reshape(-1, 1, side, side)
    if kind == "encoding":
        back = torch.randn(side * side, 4, generator=torch.Generator().manual_seed(1))
        network.encode = lambda pictures: (pictures.flatten(1) @ back, None)
    model = LatentModel(
        network,
        name=reading.name,
        architecture="doctored",
        image=ImageSpec(1, side, side),
        spaces=[Space("z", (4,), hints.prior or "normal")],
        native_range=hints.range or NativeRange(),
        origin=reading.origin("doctored"),
    )
    model.diagnosis = found
    return model


def diagnosis(kind, hints):
    """What the format says of a file read by these hints: what was told is certain."""
    from explorer.formats.diagnosis import Diagnosis, Guess, LayerFact, TensorFact, by_certainty

    tensors = (
        TensorFact("decoder.0.weight", (32, 4), "float32", "decoder"),
        TensorFact("decoder.2.weight", (64, 32), "float32", "decoder"),
        TensorFact("classifier.weight", (10, 64), "float32", ""),
    )
    if kind == "unfamiliar" and hints.image is None:
        guess = Guess("image", "1x8x8", 0.2, "a row of 64 numbers", ("1x4x16", "1x16x4"))
        return Diagnosis(
            tensors, (), (guess,), ("The last layer gives 64 numbers, which is no picture yet.",)
        )
    if kind == "hopeless" and hints.layers is None:
        return Diagnosis(tensors, misfits=("Nothing leads from a code to a picture.",))
    told = hints.told
    guesses = [
        _guess(told, Guess("activation", "relu", 0.4, "the usual one", ("leaky_relu:0.2", "tanh"))),
        _guess(told, Guess("output", "sigmoid", 0.6, "values of 0 to 1", ("tanh", "identity"))),
        _guess(told, Guess("prior", "normal", 0.8, "a VAE")),
    ]
    if hints.layers is not None:
        facts = tuple(LayerFact("decoder", layer.text) for layer in hints.layers)
        left = tuple(guess for guess in guesses[2:] if guess.certainty < 1)
        return Diagnosis(tensors, facts, left, layers_text=" ".join(layer.text for layer in facts))
    layers = (
        LayerFact("decoder", "linear", "decoder.0", (32,), 1.0, "two sides fit"),
        LayerFact("decoder", guesses[0].value, "", (32,), guesses[0].certainty, guesses[0].reason),
        LayerFact("decoder", "linear", "decoder.2", (64,), 1.0, "two sides fit"),
        LayerFact("decoder", guesses[1].value, "", (1, 8, 8), guesses[1].certainty, guesses[1].reason),
    )
    left = by_certainty([guess for guess in guesses if guess.certainty < 1])
    return Diagnosis(tensors, layers, left, layers_text=" ".join(layer.text for layer in layers))


def _guess(told, guess):
    from dataclasses import replace

    return replace(guess, value=told[guess.hint], certainty=1.0) if guess.hint in told else guess
