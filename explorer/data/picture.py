"""One picture that a person gives: read to 8 bit, cropped and scaled to what a model takes.

Many at once (folders, zips, arrays) are in `images`.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.errors import ImageError
from explorer.models.base import ImageSpec

MOST_PIXELS = 100_000_000
"""A picture with more is refused before it is unpacked."""

_TROUBLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
)
_KINDS = "give a PNG, JPEG, WebP, GIF, BMP or TIFF picture"


FRAME = "taken from the first frame of an animation"
TURNED = "turned upright as the camera said"
DEPTH = "scaled from more than 8 bit to 8"
WHITE = "laid over white where transparent"
INKS = "turned from printing colours (CMYK) to red, green and blue"
GREYED = "turned from colour to grey"
GREY_TOO = "grey already, unlike the others"
"""What reading may have done to a picture, to follow "1 picture was"."""


def read_image(path: Path | str) -> Image.Image:
    """Return the first frame of a picture file, upright, as 8 bit `L` or `RGB`.

    16 bit and floating point pictures are scaled to 8, transparency is laid over white, EXIF orientation is
    applied.

    Raises:
        ImageError: the file is missing, no picture, damaged, or has more than `MOST_PIXELS` pixels.
    """
    return read_told(path)[0]


def read_told(path: Path | str, wanted: str = _KINDS) -> tuple[Image.Image, tuple[str, ...]]:
    """Return what `read_image` does, and what was done to the picture on the way; `wanted` ends an error."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder, not a picture; {wanted}.")
        with path.open("rb") as file:
            return decode_told(file, str(path), wanted)
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read ({(error.strerror or 'failed').lower()}); {wanted}."
        ) from error


def decode_told(
    source: IO[bytes] | bytes, name: str, wanted: str = _KINDS
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the picture in an open file or in bytes; `name` and `wanted` are for messages. See `read_told`."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; and of size, which is checked here
            with Image.open(stream) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ImageError(
                        f"{name} has {image.width}x{image.height} pixels, which is more than "
                        f"{MOST_PIXELS // 1_000_000} million; give a smaller picture."
                    )
                image.load()
                upright = ImageOps.exif_transpose(image)
                return _to_8_bit(upright), tuple(_done_to(image, upright))
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has far too many pixels; give a smaller picture.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is no picture that can be read; {wanted}.") from error
    except _TROUBLE as error:
        raise ImageError(f"{name} is cut off or damaged; {wanted}.") from error


def _done_to(image: Image.Image, upright: Image.Image) -> Iterator[str]:
    """Yield what reading does to a picture as it was opened, besides unpacking it."""
    if getattr(image, "n_frames", 1) > 1:
        yield FRAME
    if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
        yield TURNED
    if image.mode.startswith("I") or image.mode == "F":
        yield DEPTH
    if image.mode == "CMYK":
        yield INKS
    if _is_transparent(upright):
        yield WHITE


_ORIENTATION = 0x0112  # the EXIF tag


def _is_transparent(image: Image.Image) -> bool:
    """Return whether any pixel lets something shine through."""
    if image.mode not in _WITH_ALPHA and "transparency" not in image.info:
        return False
    return bool(np.asarray(image.convert("RGBA"))[..., 3].min() < 255)


_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Return any mode as `L` or `RGB`."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image.copy()
    if image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image), 65535.0))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(values: np.ndarray, white: float | None = None) -> np.ndarray:
    """Return values as uint8; where nobody says what `white` is, by the range they are evidently in."""
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    white = white or next((bound for bound in (1.0, 255.0, 65535.0) if top <= bound), top)
    return np.round(values.clip(0, white) * (255 / white)).astype(np.uint8)


def grey(rgb: np.ndarray) -> np.ndarray:
    """Return uint8 `(...)` from colours uint8 `(..., 3)`: 0.3 R + 0.59 G + 0.11 B, truncated.

    In whole numbers, because this gives the face article's grey faces bit for bit and floating point does
    not.
    """
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    return ((30 * red + 59 * green + 11 * blue) // 100).astype(np.uint8)


def is_coloured(pixels: np.ndarray) -> bool:
    """Return whether pixels `(H, W[, C])` hold anything but shades of grey."""
    return pixels.ndim == 3 and bool((pixels != pixels[..., :1]).any())


def fit(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    """Return uint8 `(H, W, C)` of the shape `spec`: centre crop to its aspect, Lanczos, then grey or colour.

    A picture of the right size is not resampled; a side that is "any" stays as it is.

    Raises:
        ImageError: the model takes neither grey nor colour.
    """
    if spec.channels not in (1, 3, 4):
        raise ImageError(
            f"Pictures cannot be given to a model of {spec.channels} channels; use a grey or RGB model."
        )
    size = (spec.width or image.width, spec.height or image.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, box=_crop(image.size, size))
    return to_channels(np.asarray(image), spec.channels)


def is_cropped(image: Image.Image, spec: ImageSpec) -> bool:
    """Return whether `fit` cuts something off that is wider than a pixel of the result."""
    size = (spec.width or image.width, spec.height or image.height)
    left, top, _, _ = _crop(image.size, size)
    return left > image.width / size[0] / 2 or top > image.height / size[1] / 2


def _crop(given: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest centred box (left, top, right, bottom) with the aspect of `wanted`, both (width,
    height)."""
    scale = min(given[0] / wanted[0], given[1] / wanted[1])
    width, height = wanted[0] * scale, wanted[1] * scale
    left, top = (given[0] - width) / 2, (given[1] - height) / 2
    return left, top, left + width, top + height


def to_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return uint8 pixels `(..., H, W)` or `(..., H, W, 1|3)` as `(..., H, W, channels)`."""
    if pixels.ndim < 3 or pixels.shape[-1] not in (1, 3):
        pixels = pixels[..., None]
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 4:
        return np.concatenate((to_channels(pixels, 3), np.full_like(pixels[..., :1], 255)), axis=-1)
    return grey(pixels)[..., None] if channels == 1 else np.repeat(pixels, 3, axis=-1)
