"""Faces drawn well enough for OpenCV, films of them with sound, and a twin autoencoder that can be foretold."""

import functools
import math
from fractions import Fraction

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from explorer.faces.video import EXACT

GROUND = (120, 130, 140)
EYES = ((0.37, 0.46), (0.63, 0.46))
"""Where a drawn face has its eyes, as shares of its side."""


@functools.cache
def face(side=160):
    """Return a drawn face, RGB of `side` x `side`: hair, a lit forehead, dark sockets, a nose, a mouth."""
    large = 4 * side
    image = Image.new("RGB", (large, large), GROUND)
    ellipses(image, [((0.5, 0.5), (0.36, 0.47), (70, 50, 40)), ((0.5, 0.55), (0.30, 0.40), (214, 170, 145))])
    for x in (0.37, 0.63):
        ellipses(
            image, [((x, 0.45), (0.095, 0.055), (150, 105, 90)), ((x, 0.39), (0.09, 0.018), (60, 40, 30))]
        )
    ellipses(
        image, [((0.5, 0.5), (0.03, 0.12), (235, 195, 170)), ((0.5, 0.64), (0.06, 0.03), (190, 140, 120))]
    )
    image = image.filter(ImageFilter.GaussianBlur(large * 0.018))
    for x, y in EYES:
        for across, down, colour in ((0.065, 0.032, 235), (0.033, 0.033, 40), (0.015, 0.015, 5)):
            ellipses(image, [((x, y), (across, down), (colour,) * 3)])
    ellipses(image, [((0.5, 0.76), (0.10, 0.022), (130, 60, 60))])
    image = image.filter(ImageFilter.GaussianBlur(large * 0.006))
    return image.resize((side, side), Image.Resampling.LANCZOS)


def ellipses(image, wanted):
    """Draw ellipses: middle, radii (both as shares of the side), colour."""
    draw = ImageDraw.Draw(image)
    for (x, y), (across, down), colour in wanted:
        corners = (x - across, y - down, x + across, y + down)
        draw.ellipse([corner * image.width for corner in corners], fill=colour)


def scene(size=(240, 200), places=((40, 20),), side=160):
    """Return a picture with drawn faces at some places."""
    image = Image.new("RGB", size, GROUND)
    for place in places:
        image.paste(face(side), place)
    return image


def eyes_at(place, side=160):
    """Return the eyes of a face in a scene."""
    return tuple((place[0] + x * side, place[1] + y * side) for x, y in EYES)


class Found:
    """A finder that finds the faces it is given, whatever the picture."""

    def __init__(self, *faces):
        self.faces = list(faces)

    def find(self, pixels):
        """Return them."""
        return self.faces


def twin(side=32, channels=3):
    """Return a model whose codes are its pictures: the decoder `same` draws them as they are, `negative` inverted."""
    from torch import nn

    from explorer.models.base import NO_OPTIONS, ImageSpec, LatentModel, Space

    class Network(nn.Module):
        def encode(self, images):
            return images.flatten(1), None

    class Model(LatentModel):
        heads = ("same", "negative")
        accepts = frozenset({"head"})

        def decode_raw(self, codes, space="z", options=NO_OPTIONS):
            images = codes.reshape(len(codes), channels, side, side)
            return 1 - images if options.head == "negative" else images

    space = Space("z", (channels * side * side,), "none")
    image = ImageSpec(channels, side, side)
    return Model(Network(), name="twins", architecture="test", image=image, spaces=[space])


def write_film(path, pictures, times=None, rate=10, sound="aac", pix_fmt="yuv420p"):
    """Write pictures (PIL, one size) as a film with a tone.

    `times`: of the frames, milliseconds; left out: `rate` frames a second.
    """
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        video.width, video.height = pictures[0].size
        video.pix_fmt = pix_fmt
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        times = times or [1000 * number // rate for number in range(len(pictures))]
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(video.encode(frame))
        for start in range(0, 48000 * len(pictures) // rate if audio else 0, 1024):
            tone = 0.3 * np.sin(np.arange(start, start + 1024) * (440 * 2 * math.pi / 48000))
            frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None) if audio else [])
        container.mux(video.encode(None))
    return path


def read_film(path):
    """Return what a film is: size, rate, time base, times and pixels of its frames, packets of its sound."""
    import av

    with av.open(str(path)) as container:
        packets = [
            (packet.pts, packet.dts, packet.time_base, bytes(packet))
            for packet in container.demux(container.streams.audio)
            if packet.size
        ] if container.streams.audio else []  # fmt: skip
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return {
            "size": (stream.width, stream.height),
            "rate": stream.average_rate,
            "base": stream.time_base,
            "length": stream.duration,
            "format": stream.pix_fmt,
            "codec": stream.codec_context.name,
            "times": [frame.pts for frame in frames],
            "pixels": np.stack([frame.to_ndarray(format="rgb24", interpolation=EXACT) for frame in frames]),
            "sound": packets,
        }
