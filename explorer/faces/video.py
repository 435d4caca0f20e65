"""Videos by PyAV (the extra `video`): frames out of one, and the same video again with other frames.

What is done to a frame is the caller's. Files are read as what they are: a list that names other files or
addresses is no video here.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from explorer.data.picture import MOST_PIXELS
from explorer.data.wording import shown
from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.paths import replacing

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Suffixes of the files that can be written, and what libav calls the format."""

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,gif,asf,wmv,mxf,nut,"
    "h264,hevc,m4v,mjpeg,dv,ivf,rm,vob,image2"
)
_QUALITY = {"crf": "18", "preset": "medium"}  # 18: hardly to be told from what came in
_FALLBACK_RATE = Fraction(25)

Change = Callable[[np.ndarray], np.ndarray | None]
"""From a frame, uint8 `(H, W, 3)`, to what is shown instead; None where it stays as it is."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright.

    Attributes:
        pixels: uint8 `(H, W, 3)`.
        seconds: from the start of the video.
        done: the share of the video that lies before it, 0..1.
    """

    pixels: np.ndarray
    seconds: float
    done: float


def library() -> Any:
    """Return PyAV.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise UsageError(
            'Videos need PyAV, which is not installed; run: pip install "latent-explorer[video]".'
        ) from error
    return av


def frames(path: Path, every: float) -> Iterator[Frame]:
    """Yield the first frame of a video, and from there on one every so many seconds; 0: all.

    Raises:
        ImageError: it is no video, is damaged, or has no frame.
    """
    with _opened(path) as (container, stream):
        last = -math.inf
        for number, frame in enumerate(_decoded(container, stream, path)):
            clock = _Clock.of(container, stream)
            seconds = clock.seconds(frame, number)
            if seconds - last >= every - 1e-6:
                last = seconds
                yield Frame(upright(frame), seconds, clock.share(seconds))


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
        UsageError: the suffix is none of `KINDS`, or a file of that kind cannot hold the sound.
        OutputError: it could not be written; an old file is untouched.
        Cancelled: `should_stop` turned true; nothing is left.
    """
    av = library()
    kind = kind_of_file(out)
    with (
        _opened(path) as (container, stream),
        replacing(out) as place,
        _written(av, place, kind, out) as target,
    ):
        writer = _Writer(av, target, container, stream, path, out)
        clock = _Clock.of(container, stream)
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
        raise UsageError(
            f"{out} would be a kind of video that cannot be written here; choose a name that ends in "
            f"{', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}."
        )
    return KINDS[out.suffix.lower()]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield a container and its video stream; nothing but the file itself is read."""
    av = library()
    only = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        container = av.open(f"file:{path}", metadata_errors="replace", container_options=only)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ImageError(
            f"{path} is neither a picture nor a video that can be read; give an MP4, MKV, MOV, WebM or AVI file."
        ) from error
    with container:
        stream = container.streams.best("video")
        if stream is None:
            raise ImageError(f"{path} has no picture track; give a video.")
        if stream.width * stream.height > MOST_PIXELS:
            raise ImageError(
                f"{path} has frames of {stream.width}x{stream.height} pixels, which is more than "
                f"{MOST_PIXELS // 1_000_000} million; give a smaller video."
            )
        stream.thread_type = "AUTO"
        yield container, stream


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """Yield all frames of a stream."""
    for packet in _packets(container, [stream], path):
        yield from _frames_of(packet, path)


def _packets(container: Any, streams: list[Any], path: Path) -> Iterator[Any]:
    """Yield packets, at the end one for each stream that brings what its decoder still holds."""
    av, packets = library(), container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError) as error:
            raise _damaged(path) from error
        if packet is None:
            return
        yield packet


def _frames_of(packet: Any, path: Path) -> list[Any]:
    try:
        return packet.decode()
    except library().EOFError:
        return []
    except (library().FFmpegError, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> ImageError:
    return ImageError(f"{path} is a video that is cut off or damaged; copy or download it again.")


@dataclass(frozen=True)
class _Clock:
    """When frames are shown."""

    start: float
    length: float
    rate: Fraction

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Clock:
        """Return the clock of a stream."""
        step = stream.time_base or Fraction(1, 1000)
        length = stream.duration * step if stream.duration else Fraction(container.duration or 0, 1_000_000)
        return cls(float((stream.start_time or 0) * step), float(length), _rate(stream))

    def seconds(self, frame: Any, number: int) -> float:
        """Return the time of a frame from the start; by its number where it says none."""
        return frame.time - self.start if frame.time is not None else float(number / self.rate)

    def share(self, seconds: float) -> float:
        """Return how much of the video lies before."""
        return min(max(seconds / self.length, 0.0), 1.0) if self.length > 0 else 0.0


def _rate(stream: Any) -> Fraction:
    """Return frames per second, about: of a variable rate the average."""
    return stream.average_rate or stream.guessed_rate or stream.base_rate or _FALLBACK_RATE


def upright(frame: Any) -> np.ndarray:
    """Return a frame as it is to be seen, uint8 `(H, W, 3)`."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), _quarters(frame)))


def _quarters(frame: Any) -> int:
    """Return by how many quarters a frame is to be turned, counter-clockwise."""
    return round(frame.rotation / 90) % 4


@contextlib.contextmanager
def _written(av: Any, place: Path, kind: str, out: Path) -> Iterator[Any]:
    """Yield a container to write to; what the system says then becomes an `OSError`, as with any file."""
    try:
        with av.open(str(place), "w", format=kind) as target:
            yield target
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, error.strerror) from error
        raise OutputError(f"{out} could not be written ({error}); choose another name or place.") from error


class _Writer:
    """A video on its way into another file: sound passes as it is, frames are drawn anew."""

    def __init__(self, av: Any, target: Any, container: Any, stream: Any, path: Path, out: Path) -> None:
        self.count = 0
        self._av, self._target, self._container, self._stream = av, target, container, stream
        self._path, self._out = path, out
        self._video: Any = None
        self._last = -math.inf
        self._waiting: list[Any] = []  # sound that comes before the first frame tells the size
        self._sound = {track.index: self._track(track) for track in container.streams.audio}

    def _track(self, track: Any) -> Any:
        try:
            return self._target.add_stream_from_template(track)
        except (self._av.FFmpegError, ValueError) as error:
            raise self._unfit(track.codec_context.name) from error

    def _unfit(self, sound: str) -> UsageError:
        return UsageError(
            f"{self._out} cannot hold the sound of {self._path} ({shown(sound)}); choose a name that ends in .mkv."
        )

    def frames(self) -> Iterator[Any]:
        """Yield the frames to be written; sound between them is passed on."""
        streams = [self._stream, *self._container.streams.audio]
        for packet in _packets(self._container, streams, self._path):
            if packet.stream.index == self._stream.index:
                yield from _frames_of(packet, self._path)
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
        if instead is None and not _quarters(frame):
            new = frame
        else:
            new = self._av.VideoFrame.from_ndarray(
                upright(frame) if instead is None else instead, format="rgb24"
            )
        if self._video is None:
            self._begin(frame, new.width, new.height)
        if (new.width, new.height) != (self._video.width, self._video.height):
            raise ImageError(f"The frames of {self._path} change in size; give a video of one size.")
        made = new.reformat(
            format=self._video.pix_fmt, dst_colorspace=frame.colorspace, dst_color_range=frame.color_range
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
            pts = round(self.count / _rate(self._stream) / self._stream.time_base)
        self._last = max(pts, self._last + 1)
        return int(self._last)

    def _begin(self, frame: Any, width: int, height: int) -> None:
        """Start the video track as the first frame is."""
        try:
            self._video = self._target.add_stream("libx264", rate=_rate(self._stream), options=_QUALITY)
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
            video.codec_context.sample_aspect_ratio = 1 / shape if _quarters(frame) % 2 else shape
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(video.codec_context, name, getattr(old, name))
        try:
            self._target.start_encoding()
        except (self._av.FFmpegError, ValueError) as error:
            sound = next(iter(self._container.streams.audio), None)
            if sound is None:
                raise
            raise self._unfit(sound.codec_context.name) from error

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._target.mux(self._video.encode(None))
        self._pass_sound()
