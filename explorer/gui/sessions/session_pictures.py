"""The pictures of a session file, unpacked when a part shows them; for `session_parts`."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.gui.sessions.session_file import MOST_PIXELS
from explorer.gui.sessions.session_values import Wrong


class Pictures:
    """Pictures by their names, each unpacked once.

    Args:
        said: PNG in base64 by name, as JSON has it.
        leave_out: told once of each that cannot be had.
    """

    def __init__(self, said: Any, leave_out: Callable[[str, Wrong], None]) -> None:
        self._said = said
        self._leave_out = leave_out
        self._known: dict[str, np.ndarray | None] = {}
        self._pixels = 0

    def get(self, name: Any, where: str) -> np.ndarray | None:
        """Return a picture of the file, uint8 `(H, W, 1|3)`, read-only; None where it is not there or damaged."""
        if not isinstance(name, str):
            raise Wrong(f"{where}: picture should be a text")
        if name not in self._known:
            self._known[name] = None
            try:
                data = self._said.get(name) if isinstance(self._said, dict) else None
                if not isinstance(data, str):
                    raise Wrong(f"the picture of {where} is not in the file")
                self._known[name] = self._unpacked(data, f"the picture of {where}")
            except Wrong as wrong:
                self._leave_out("A picture", wrong)
        return self._known[name]

    def _unpacked(self, data: str, where: str) -> np.ndarray:
        from PIL import Image, UnidentifiedImageError

        try:
            packed = base64.b64decode(data, validate=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of size, which is checked here
                with Image.open(io.BytesIO(packed), formats=["PNG"]) as image:
                    count = image.width * image.height
                    if image.mode not in ("L", "RGB") or self._pixels + count > MOST_PIXELS:
                        raise Wrong(f"{where} is too large, or neither grey nor RGB")
                    self._pixels += count
                    pixels = np.array(image)
        except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise error if isinstance(error, Wrong) else Wrong(f"{where} is damaged") from error
        except Image.DecompressionBombError as error:
            raise Wrong(f"{where} is too large") from error
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        pixels.flags.writeable = False
        return pixels
