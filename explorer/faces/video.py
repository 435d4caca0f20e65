"""Frames out of videos, by PyAV (the extra `video`). Writing them is in `films`.

A file is read as what it is: a list that names other files or addresses is no video here.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from explorer.data.picture import MOST_PIXELS
from explorer.errors import ImageError, UsageError

EXACT = 0x4 | 0x2000 | 0x4000 | 0x40000
"""How libav converts colours: bicubic, colour at full resolution, accurately rounded; its default is a level off."""

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,gif,asf,wmv,mxf,nut,"
    "h264,hevc,m4v,mjpeg,dv,ivf,rm,vob"
)
_FALLBACK_RATE = Fraction(25)


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
        ImageError: it is no video, or is damaged.
        UsageError: the extra is not installed.
    """
    with opened(path) as (container, stream):
        clock, last, number = Clock.of(container, stream), -math.inf, 0
        for packet in packets(container, [stream], path):
            for frame in frames_of(packet, path):
                seconds = clock.seconds(frame, number)
                number += 1
                if seconds - last >= every - 1e-6:
                    last = seconds
                    yield Frame(upright(frame), seconds, clock.share(seconds))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield a container and its video stream; nothing but the file itself is read.

    Raises:
        ImageError: it is no video, or has too large frames.
    """
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


def packets(container: Any, streams: list[Any], path: Path) -> Iterator[Any]:
    """Yield packets, at the end one for each stream that brings what its decoder still holds.

    Raises:
        ImageError: the file is damaged.
    """
    demuxed = container.demux(streams)
    while True:
        try:
            packet = next(demuxed, None)
        except (library().FFmpegError, OSError) as error:
            raise _damaged(path) from error
        if packet is None:
            return
        yield packet


def frames_of(packet: Any, path: Path) -> list[Any]:
    """Return the frames that a packet brings; raises `ImageError` where it is damaged."""
    av = library()
    try:
        return packet.decode()
    except av.EOFError:
        return []
    except (av.FFmpegError, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> ImageError:
    return ImageError(f"{path} is a video that is cut off or damaged; copy or download it again.")


@dataclass(frozen=True)
class Clock:
    """When frames are shown, in seconds."""

    start: float
    length: float
    rate: Fraction

    @classmethod
    def of(cls, container: Any, stream: Any) -> Clock:
        """Return the clock of a stream."""
        step = stream.time_base or Fraction(1, 1000)
        length = stream.duration * step if stream.duration else Fraction(container.duration or 0, 1_000_000)
        return cls(float((stream.start_time or 0) * step), float(length), rate_of(stream))

    def seconds(self, frame: Any, number: int) -> float:
        """Return the time of a frame from the start; by its number where it says none."""
        return frame.time - self.start if frame.time is not None else float(number / self.rate)

    def share(self, seconds: float) -> float:
        """Return how much of the video lies before."""
        return min(max(seconds / self.length, 0.0), 1.0) if self.length > 0 else 0.0


def rate_of(stream: Any) -> Fraction:
    """Return frames per second, about: of a variable rate the average."""
    return stream.average_rate or stream.guessed_rate or stream.base_rate or _FALLBACK_RATE


def upright(frame: Any) -> np.ndarray:
    """Return a frame as it is to be seen, uint8 `(H, W, 3)`."""
    pixels = frame.to_ndarray(format="rgb24", interpolation=EXACT)
    return np.ascontiguousarray(np.rot90(pixels, quarters(frame)))


def quarters(frame: Any) -> int:
    """Return by how many quarters a frame is to be turned, counter-clockwise."""
    return round(frame.rotation / 90) % 4
