"""The same video again with other frames, by PyAV (the extra `video`).

What is done to a frame is the caller's; how videos are read is in `video`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from explorer.data.wording import shown
from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces.video import EXACT, Clock, frames_of, library, opened, packets, quarters, rate_of, upright
from explorer.paths import replacing

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Suffixes of the files that can be written, and what libav calls the format."""

_QUALITY = {"crf": "18", "preset": "medium"}  # 18: hardly to be told from what came in

Change = Callable[[np.ndarray], np.ndarray | None]
"""From a frame, uint8 `(H, W, 3)`, to what is shown instead; None where it stays as it is."""


def rewritten(
    path: Path,
    out: Path,
    change: Change,
    progress: Callable[[float, str], None],
    should_stop: Callable[[], bool],
) -> int:
    """Write a video again with other frames: same size, times and sound, H.264 in the format of the suffix of `out`.

    Sound is copied packet by packet. A turned video is written upright. Where a side is odd, colour is kept at full
    resolution, for the usual half of it needs even sides.

    Args:
        path, out: from where to where; `out` is written whole or not at all.
        change: what is shown in place of each frame, called in order.
        progress: told after each frame.
        should_stop: asked before each frame.

    Returns:
        How many frames there are.

    Raises:
        ImageError: it is no video, is damaged, or has no frame.
        UsageError: the suffix is none of `KINDS`, a file of that kind cannot hold the sound, or the extra is missing.
        OutputError: it could not be written; an old file is untouched.
        Cancelled: `should_stop` turned true; nothing is left.
    """
    kind = kind_of_file(out)
    with (
        opened(path) as (container, stream),
        replacing(out) as place,
        _written(place, kind, out) as target,
    ):
        writer = _Writer(target, container, stream, path, out)
        clock = Clock.of(container, stream)
        for frame in writer.frames():
            if should_stop():
                raise Cancelled
            writer.write(frame, change(upright(frame)))
            progress(clock.share(clock.seconds(frame, writer.count)), f"Frame {writer.count}")
        writer.finish()
        return writer.count


def kind_of_file(out: Path) -> str:
    """Return what libav calls the format of a file to be written.

    Raises:
        UsageError: the suffix is none of `KINDS`.
    """
    if out.suffix.lower() not in KINDS:
        *some, last = KINDS
        raise UsageError(
            f"{out} would be a kind of video that cannot be written here; choose a name that ends in "
            f"{', '.join(some)} or {last}."
        )
    return KINDS[out.suffix.lower()]


@contextlib.contextmanager
def _written(place: Path, kind: str, out: Path) -> Iterator[Any]:
    """Yield a container to write to; what the system says then becomes an `OSError`, as with any file."""
    av = library()
    try:
        with av.open(f"file:{place}", "w", format=kind) as target:
            yield target
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, error.strerror) from error
        raise OutputError(f"{out} could not be written ({error}); choose another name or place.") from error


class _Writer:
    """A video on its way into another file: sound passes as it is, frames are drawn anew."""

    def __init__(self, target: Any, container: Any, stream: Any, path: Path, out: Path) -> None:
        self.count = 0
        self._av = library()
        self._target, self._container, self._stream = target, container, stream
        self._path, self._out = path, out
        self._video: Any = None
        self._last: float = -math.inf
        self._waiting: list[Any] = []  # sound that comes before the first frame tells the size
        self._sound = {track.index: self._track(track) for track in container.streams.audio}

    def _track(self, track: Any) -> Any:
        try:
            return self._target.add_stream_from_template(track)
        except (self._av.FFmpegError, ValueError) as error:
            raise self._unfit(track) from error

    def _unfit(self, track: Any) -> UsageError:
        sound = shown(track.codec_context.name)
        return UsageError(
            f"{self._out} cannot hold the sound of {self._path} ({sound}); choose a name that ends in .mkv."
        )

    def frames(self) -> Iterator[Any]:
        """Yield the frames to be written; sound between them is passed on."""
        for packet in packets(self._container, [self._stream, *self._container.streams.audio], self._path):
            if packet.stream.index == self._stream.index:
                yield from frames_of(packet, self._path)
            elif packet.size:
                packet.stream = self._sound[packet.stream.index]
                self._waiting.append(packet)
            if self._video is not None:
                self._pass_sound()
        if not self.count:
            raise ImageError(f"{self._path} has no frame that can be read; give a video.")

    def _pass_sound(self) -> None:
        for packet in self._waiting:
            self._target.mux(packet)
        self._waiting.clear()

    def write(self, frame: Any, instead: np.ndarray | None) -> None:
        """Write a frame, or other pixels in its place, at its time."""
        new = frame
        if instead is not None or quarters(frame):  # else it needs no way through other colours
            pixels = upright(frame) if instead is None else instead
            new = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        if self._video is None:
            self._begin(frame, new.width, new.height)
        if (new.width, new.height) != (self._video.width, self._video.height):
            raise ImageError(f"The frames of {self._path} change in size; give a video of one size.")
        made = new.reformat(
            format=self._video.pix_fmt,
            dst_colorspace=frame.colorspace,
            dst_color_range=frame.color_range,
            interpolation=EXACT,
        )
        made.pts, made.time_base = self._time(frame), self._stream.time_base
        made.duration = frame.duration
        made.pict_type = 0  # the encoder decides where key frames are
        self._target.mux(self._video.encode(made))
        self.count += 1

    def _time(self, frame: Any) -> int:
        """Return when a frame is shown, in the stream's steps; each later than the one before."""
        pts = frame.pts
        if pts is None:
            pts = round(self.count / rate_of(self._stream) / self._stream.time_base)
        self._last = max(pts, self._last + 1)
        return int(self._last)

    def _begin(self, frame: Any, width: int, height: int) -> None:
        """Start the video track as the first frame is."""
        try:
            self._video = self._target.add_stream("libx264", rate=rate_of(self._stream), options=_QUALITY)
        except (self._av.FFmpegError, ValueError) as error:
            raise UsageError(
                "This PyAV has no libx264 to write videos with; install the one that pip brings: pip install av."
            ) from error
        video, old = self._video, self._stream.codec_context
        video.width, video.height = width, height
        video.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        video.time_base = video.codec_context.time_base = self._stream.time_base
        shape = self._stream.sample_aspect_ratio
        if shape:
            video.codec_context.sample_aspect_ratio = 1 / shape if quarters(frame) % 2 else shape
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(video.codec_context, name, getattr(old, name))
        try:
            self._target.start_encoding()
        except (self._av.FFmpegError, ValueError) as error:
            if not self._sound or isinstance(error, OSError):  # as of a full disk
                raise
            raise self._unfit(self._container.streams.audio[0]) from error

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._target.mux(self._video.encode(None))
        self._pass_sound()
