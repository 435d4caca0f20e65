"""Recipes of every kind, small, with odd names; and pictures for them."""

import numpy as np

from explorer.export import making
from explorer.export.recipe import Network
from explorer.latent import plane
from explorer.models.base import DecodeOptions, Space

RANDOM = np.random.default_rng(0)
MODEL = Network('顔 & <b> "q" ]]> \\', "0123456789abcdef" * 4)
CODES = RANDOM.normal(size=(11, 4)).astype(np.float32)


def space(prior="normal", dim=4):
    """A space whose centre and spread are no round numbers."""
    return Space("z", (dim,), prior, center=RANDOM.normal(size=dim), spread=RANDOM.random(dim) + 0.5)


def pictures(count, height=6, width=5, channels=1):
    return RANDOM.integers(0, 256, (count, height, width, channels), np.uint8)


SHARED = {
    "stages": [Network("colorizer", "f" * 64), Network("x2")],
    "options": DecodeOptions(labels=np.array([3]), psi=0.7, noise="const", transform=np.eye(3), head="a"),
}
SPACE = space()
_COLUMN = np.array(["blond", "", "\n髪"] * 3 + ["&", "<"])

EXAMPLES = {
    "picture": making.picture(MODEL, SPACE, CODES[0], labels=["anime-faces"], **SHARED),
    "strip": making.strip(MODEL, SPACE, CODES[:2], 5, "slerp"),
    "strip with sources": making.strip(
        MODEL, SPACE, CODES[:2], 5, sources=[pictures(1, 30, 20, 3)[0], None], labels=["A", "B"]
    ),
    "film": making.strip(MODEL, SPACE, CODES[:2], 5, film=True, back=True, milliseconds=40),
    "sheet": making.sheet(MODEL, SPACE, CODES[0], 5, labels=["z1", "z2 hair\nturns the head", "z3", "z4"]),
    "part of a sheet": making.sheet(MODEL, SPACE, None, 3, "prior", dims=[3, 1]),
    "manifold": making.manifold(MODEL, SPACE, 3, (2, 1), labels=["z3 hair", "z2"]),
    "samples": making.samples(MODEL, SPACE, 7, 5),
    "reconstructions": making.reconstructions(
        MODEL, SPACE, CODES, pictures(11), [*np.linspace(0, 99, 10), np.nan]
    ),
    "map of numbers": making.map_of(
        MODEL,
        SPACE,
        plane.pca(CODES, SPACE),
        (-3, 3, -2, 2.5),
        CODES[:, :2],
        tiles=3,
        marker=(0.5, -1),
        column="hair",
        values=np.where(CODES[:, 2] > 1, np.nan, CODES[:, 3]),
    ),
    "map with a floor": making.map_of(
        MODEL, SPACE, plane.Plane(CODES[0], np.eye(4)[:2], "", 0.25), (-3, 3, -3, 3), CODES[:, :2], tiles=2
    ),
    "map of texts": making.map_of(
        MODEL, SPACE, plane.dimensions(SPACE, 0, 3), (-3, 3, -3, 3), CODES[:, :2], values=_COLUMN
    ),
}
