"""ONNX files (`.onnx`): decoders and stages that any framework exported, run by onnxruntime.

A child process reads what the file states and runs it first; see `onnx_dump`. Weights in other files are read from
the model's own folder alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import beside, isolated
from explorer.formats.onnx_graph import looks_like
from explorer.formats.reader import Reader, Reading

if TYPE_CHECKING:
    from explorer.formats.diagnosis import Guess
    from explorer.models.base import ImageSpec, LatentModel, NativeRange, StageModel
    from explorer.models.keras_model import Layout
    from explorer.models.onnx_feeds import Feed
    from explorer.models.onnx_network import Way

_FROM_TENSORFLOW = ("tf2onnx", "keras", "tensorflow")
_LOUD = 8.0
"""Beyond that, values of pictures in 0..1 make no sense, and pictures in 0..255 are tried."""


@dataclass(frozen=True)
class _Output:
    """One output as it came of the first run: of one code or picture."""

    name: str
    kind: str
    shape: tuple[int, ...]
    bounds: tuple[float, float] | None
    most: tuple[float, float] | None
    most_of_255: tuple[float, float] | None


def _matches(head: bytes, path: Path) -> bool:
    return looks_like(head) and not path.is_dir()


def _load(reading: Reading) -> isolated.Handed:
    reading.on_progress(0.02, f"Starting a separate process to run {reading.path.name}")
    with isolated.start(reading.path) as child:
        import torch  # noqa: F401 (while the child does its work)

        handed = child.result(reading.on_progress, reading.should_stop)
    if not isinstance(handed.content, dict) or handed.content.get("format") != "onnx":
        raise CheckpointError(f"{reading.path} is no ONNX file; export it again.")
    return handed


def _build(handed: isolated.Handed, reading: Reading) -> LatentModel | StageModel:
    import torch

    from explorer.formats import onnx_session
    from explorer.models.onnx_feeds import Feed, at_once
    from explorer.models.onnx_network import Way

    told: Mapping[str, Any] = handed.content
    reading.on_progress(0.8, f"Building the network of {reading.name}")
    feeds = tuple(Feed(**{**feed, "shape": tuple(feed["shape"])}) for feed in told["feeds"])
    main = next(feed for feed in feeds if feed.role in ("code", "picture"))
    outputs = [_output(each) for each in told["outputs"]]
    chosen, layout = _picture(outputs, main, told, reading)
    try:
        session = onnx_session.start(reading.path, torch.get_num_threads())
    except MemoryError as error:
        raise CheckpointError(
            f"{reading.path} needs more memory than there is; close other programs and try again."
        ) from error
    single = 1 if told["single"] else at_once(feeds)
    way = Way(session, feeds, chosen.name, single, layout, int(told["weights"]))
    notes = [*handed.notes, *_fixed_notes(feeds)]
    if main.role == "picture":
        return _stage(way, main, chosen, reading, notes)
    return _model(way, main, chosen, reading, notes)


def _output(said: Mapping[str, Any]) -> _Output:
    pairs = {key: tuple(said[key]) if said[key] else None for key in ("bounds", "most", "most_of_255")}
    return _Output(said["name"], said["kind"], tuple(said["shape"]), **pairs)


def _picture(
    outputs: Sequence[_Output], main: Feed, told: Mapping[str, Any], reading: Reading
) -> tuple[_Output, Layout]:
    """Return the output that is the picture, and how it lies.

    Raises:
        CheckpointError: there is none, or not the one that the hint entry names.
    """
    from explorer.models.keras_model import layout_of

    hints = reading.hints
    is_last = any(word in str(told["producer"]).lower() for word in _FROM_TENSORFLOW)
    order = hints.order or ("HWC" if is_last else "CHW")
    wanted = [each for each in outputs if hints.entry in (None, each.name)]
    if not wanted:
        names = ", ".join(shown(each.name, 40) for each in outputs[:6])
        raise CheckpointError(
            f"{reading.path} has no output {shown(hints.entry)}; the hint entry can be one of {names}."
        )
    image = _scaled(hints.image, main)
    found = [(each, layout) for each in wanted if (layout := layout_of(each.shape, image=image, order=order))]
    found.sort(key=lambda pair: (len(pair[1].shape) < 2, pair[1].image.channels == 4))
    if not found:
        sides = ", ".join("x".join(map(str, each.shape)) or "one number" for each in wanted[:4])
        raise CheckpointError(
            f"{reading.path} gives {sides}, which is no picture; export the decoder or generator by itself, or say the "
            "shape with --hint image=CHANNELSxHEIGHTxWIDTH."
        )
    return found[0]


def _scaled(image: ImageSpec | None, main: Feed) -> ImageSpec | None:
    """Return the shape that a hint says, where it speaks of how the values lie."""
    return None if main.is_open else image


def _fixed_notes(feeds: Sequence[Feed]) -> list[str]:
    return [
        f"Its input {shown(feed.name)} always gets {feed.value:g}." for feed in feeds if feed.role == "fixed"
    ]


def _model(way: Way, main: Feed, chosen: _Output, reading: Reading, notes: list[str]) -> LatentModel:
    from explorer.formats.diagnosis import Diagnosis, Guess, by_certainty
    from explorer.models.onnx_network import OnnxModel

    hints = reading.hints
    native, guess = _range(chosen, reading)
    guesses = [guess] if guess else []
    if hints.prior is None:
        reason = "the file does not say; it is the usual one"
        guesses.append(Guess("prior", "normal", 0.8, reason, ("uniform", "none")))
        notes.append("Which prior it was trained with is not in the file; N(0, I), the usual one, is taken.")
    if main.is_open:
        sides = "x".join(map(str, main.shape[1:]))
        notes.append(f"Its codes are maps of any height and width; {sides} was taken.")
    model = OnnxModel(
        way,
        code=main.shape,
        prior=hints.prior or "normal",
        name=reading.name,
        native_range=native,
        classes=_classes(way.feeds, reading),
        origin=reading.origin("onnx"),
        notes=notes,
    )
    model.diagnosis = Diagnosis(guesses=by_certainty(guesses))
    return model


def _classes(feeds: Sequence[Feed], reading: Reading) -> int:
    """Return how many classes it knows; 0 where it takes none."""
    for feed in feeds:
        if feed.role == "onehot":
            return feed.shape[-1]
        if feed.role == "index":
            return feed.classes or reading.hints.classes or 10
    return 0


def _range(chosen: _Output, reading: Reading) -> tuple[NativeRange, Guess | None]:
    from explorer.formats.diagnosis import Guess
    from explorer.formats.keras_range import likely_range
    from explorer.models.base import NativeRange

    native, guess = NativeRange(), None
    if reading.hints.range is not None:
        native = reading.hints.range
    elif chosen.kind == "uint8":
        native = NativeRange(0, 255)
    elif chosen.bounds is not None:
        native = NativeRange(*chosen.bounds)
    elif chosen.most is not None:
        native, guess = likely_range(*chosen.most)
    else:
        guess = Guess("range", "0..1", 0.3, "no decoded value is a number", ("-1..1", "0..255"))
    return replace(native, reverse=reading.hints.color == "BGR"), guess


def _stage(way: Way, main: Feed, chosen: _Output, reading: Reading, notes: list[str]) -> StageModel:
    from explorer.models.base import ImageSpec
    from explorer.models.onnx_network import OnnxPictures, OnnxStage

    before_last = main.shape[0] not in (1, 3, 4)
    after_last = way.layout.order == "HWC"
    channels, height, width = main.shape if not before_last else (main.shape[2], *main.shape[:2])
    given, made = ImageSpec(channels, height, width), way.layout.image
    if len(chosen.shape) != 3:
        raise CheckpointError(
            f"{reading.path} takes pictures and gives rows of {chosen.shape[-1]} numbers, so it is no stage; export "
            "its decoder by itself."
        )
    if main.is_open:
        given = ImageSpec(channels)
        if (made.height, made.width) != (height, width):
            raise CheckpointError(
                f"{reading.path} takes pictures of any size and gives those of another; export it for one size."
            )
        made = ImageSpec(made.channels)
    native, notes_of_range = _stage_range(main, chosen, reading)
    return OnnxStage(
        OnnxPictures(way, before_last=before_last, after_last=after_last),
        name=reading.name,
        architecture="onnx",
        input=given,
        output=made,
        native_range=native,
        origin=reading.origin("onnx"),
        notes=[*notes, *notes_of_range],
    )


def _stage_range(main: Feed, chosen: _Output, reading: Reading) -> tuple[NativeRange, list[str]]:
    """Return the range of a stage: its last operator's, else the one in which pictures stay pictures."""
    from explorer.models.base import NativeRange

    native, guess = _range(chosen, reading)
    if guess is None and main.kind != "uint8":
        return native, []
    small, large = chosen.most, chosen.most_of_255
    if main.kind == "uint8" or (
        large and small and max(map(abs, small)) > _LOUD and -100 < large[0] < large[1] < 400
    ):
        native = NativeRange(0, 255, reverse=native.reverse)
    elif small and small[0] > -0.3:
        native = NativeRange(reverse=native.reverse)
    return native, [
        f"Its last layer does not say which values are black and white; {native} was taken (hint range)."
    ]


READER = Reader("ONNX (.onnx)", _matches, _load, _build, beside.folder_of)
