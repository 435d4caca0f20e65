"""How often translated or swapped faces have the hair that was wanted, as small classifiers see it.

    python checkpoints/hair_tags.py faces.zip tags.csv --last 2048 --from black brown --to blonde --stage hair-translate

The classifiers know all the colours there are and learn from people's tags, of faces kept out of every training: the
last ones of the collection, those with even numbers or those with odd ones. The others are judged: as they are
(`before`: how often the wished colour is seen in them anyway), and as the stage makes them (`after`). Without a stage,
`--model FILE --head NAME` takes what a decoder makes of their codes, and neither tells only how good the classifiers
are. Three kinds are asked, none of which the networks were trained against: logistic regression and a random forest on
shares of colours in four regions and a thumbnail, and a small convolutional network, the last two from several seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sort_faces import read_tags, tags_of  # beside this file
from torch import Tensor, nn
from torch.nn import functional

from explorer.data.images import read_pictures
from explorer.errors import ExplorerError, UsageError
from explorer.formats import open_latent, open_stage
from explorer.models.base import DecodeOptions, ImageSpec

SIDE = 64
EPOCHS = 40
REGIONS = (  # rows and columns: above the eyes, the forehead, the left side, the right side
    (slice(0, 24), slice(0, 64)),
    (slice(0, 24), slice(16, 48)),
    (slice(24, 64), slice(0, 14)),
    (slice(24, 64), slice(50, 64)),
)
HUES, SHADES, GREYS = 12, 3, 6

Classify = Callable[[np.ndarray], np.ndarray]
"""Numbers of classes `(N,)` of pictures uint8 `(N, 64, 64, 3)`."""


@dataclass(frozen=True, eq=False)
class Tagged:
    """Faces with a tag each.

    Attributes:
        images: uint8 `(N, 64, 64, 3)`.
        numbers: of the faces in the whole collection.
        hair: numbers into `colours`.
        colours: all tags there are, sorted.
    """

    images: np.ndarray
    numbers: np.ndarray
    hair: np.ndarray
    colours: tuple[str, ...]

    def part(self, which: np.ndarray) -> Tagged:
        """Return the faces chosen by a mask `(N,)`."""
        return Tagged(self.images[which], self.numbers[which], self.hair[which], self.colours)

    def among(self, colours: Collection[str]) -> np.ndarray:
        """Return whose tag is one of these, `(N,)`.

        Raises:
            UsageError: nobody has such a tag.
        """
        unknown = sorted(set(colours) - set(self.colours))
        if unknown:
            raise UsageError(f"No face has the tag {unknown[0]}; choose from {', '.join(self.colours)}.")
        return np.isin(self.hair, [self.colours.index(colour) for colour in colours])


def read_tagged(faces: Path, tags: Path, last: int) -> Tagged:
    """Return the tagged ones among the last faces of a collection, in natural order of their names.

    Raises:
        ImageError, UsageError: the files cannot be read, or hardly a face among them has a tag.
    """
    pictures = read_pictures(faces, ImageSpec(3, SIDE, SIDE))
    first = max(0, len(pictures) - last)
    found = tags_of(pictures.names, read_tags(tags))
    numbers = np.array([n for n in range(first, len(pictures)) if found[n]], dtype=int)
    colours = tuple(sorted({found[n] for n in numbers}))
    if len(numbers) < 20 or len(colours) < 2:
        raise UsageError(f"Only {len(numbers)} of the last {last} faces of {faces} have a tag; give more.")
    hair = np.array([colours.index(found[n]) for n in numbers])
    return Tagged(pictures.images[numbers], numbers, hair, colours)


# ---- what is seen in a face ----


def features(images: np.ndarray) -> np.ndarray:
    """Return `(N, F)` of faces uint8 `(N, 64, 64, 3)`.

    Square roots of how often each of 42 colours occurs in four regions, and luminance and chroma of 8x8 blocks.
    """
    colours = _colour_numbers(images)
    shares = [
        np.stack([(part == number).mean(1) for number in range(HUES * SHADES + GREYS)], 1)
        for part in (colours[:, rows, columns].reshape(len(images), -1) for rows, columns in REGIONS)
    ]
    blocks = images.reshape(len(images), 8, 8, 8, 8, 3).mean((2, 4)).reshape(len(images), -1, 3) / 255
    luminance = blocks @ (0.3, 0.59, 0.11)
    thumbnail = (luminance, blocks[..., 0] - luminance, blocks[..., 2] - luminance)
    return np.concatenate([*np.sqrt(shares), *thumbnail], axis=1).astype(np.float32)


def _colour_numbers(images: np.ndarray) -> np.ndarray:
    """Return `(N, H, W)`: which of 12 hues in 3 shades a pixel is, or which of 6 greys."""
    shades = images.astype(np.float32) / 255
    largest, chroma = shades.max(-1), np.ptp(shades, axis=-1)
    red, green, blue = (shades[..., channel] for channel in range(3))
    span = np.maximum(chroma, 1e-6)
    sixths = np.select(
        [largest == red, largest == green],
        [(green - blue) / span % 6, (blue - red) / span + 2],
        (red - green) / span + 4,
    )
    hue = np.minimum((sixths / 6 * HUES).astype(int), HUES - 1)
    shade = np.minimum((largest * SHADES).astype(int), SHADES - 1)
    grey = HUES * SHADES + np.minimum((largest * GREYS).astype(int), GREYS - 1)
    return np.where(chroma < 0.12, grey, hue * SHADES + shade)


# ---- classifiers ----


def regression(faces: Tagged, seed: int) -> Classify:
    """Return logistic regression on `features`; no chance is in it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    fitted.fit(features(faces.images), faces.hair)
    return lambda images: fitted.predict(features(images))


def forest(faces: Tagged, seed: int) -> Classify:
    """Return a random forest of 300 trees on `features`."""
    from sklearn.ensemble import RandomForestClassifier

    fitted = RandomForestClassifier(300, random_state=seed).fit(features(faces.images), faces.hair)
    return lambda images: fitted.predict(features(images))


def network(faces: Tagged, seed: int) -> Classify:
    """Return a small convolutional network, trained on mirrored and shifted faces of half the side."""
    torch.manual_seed(seed)
    widths, layers = (3, 16, 32, 64), []
    for wide, out in pairwise(widths):
        layers += [nn.Conv2d(wide, out, 3, 1, 1), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.4), nn.Linear(256, len(faces.colours))]
    net = nn.Sequential(*layers)
    images, hair = _halved(faces.images), torch.from_numpy(faces.hair)
    steps = EPOCHS * max(1, len(images) // 32)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randint(len(images), (32,))
        loss = functional.cross_entropy(net(_varied(images[chosen])), hair[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()

    @torch.inference_mode()
    def classify(images: np.ndarray) -> np.ndarray:
        return torch.cat([net(part).argmax(1) for part in _halved(images).split(256)]).numpy()

    return classify


def _halved(images: np.ndarray) -> Tensor:  # float32 (N, 3, 32, 32) in -1..1
    return functional.avg_pool2d(torch.from_numpy(images).permute(0, 3, 1, 2).float(), 2) / 127.5 - 1


def _varied(images: Tensor) -> Tensor:
    """Return pictures of a batch mirrored, each by chance, and all shifted by up to two pixels."""
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    down, right = (int(torch.randint(-2, 3, ())) for _ in range(2))
    return images.roll((down, right), (2, 3))


KINDS = {"regression": regression, "forest": forest, "network": network}


# ---- judging ----


def translation(stage: str | None, model: str | None, head: str | None) -> Callable[[Tensor], Tensor] | None:
    """Return what makes pictures `(N, 3, 64, 64)` in 0..1 of such pictures; None where nothing is named.

    Raises:
        CheckpointError, UsageError: a file cannot be opened or used.
    """
    if stage is not None:
        return open_stage(stage).apply
    if model is None:
        return None
    opened, options = open_latent(model).model, DecodeOptions(head=head)
    opened.check_options(opened.default_space, options)
    return lambda images: opened.decode(opened.encode(images).mean, opened.default_space, options)


@torch.inference_mode()
def translated(images: np.ndarray, change: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Return uint8 `(N, H, W, 3)` of pictures uint8 `(N, H, W, 3)`."""
    shades = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    made = torch.cat([change(part) for part in shades.split(64)])
    return (255 * made).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def judged(
    faces: Tagged,
    source: Collection[str],
    target: Collection[str],
    change: Callable[[Tensor], Tensor] | None,
    seeds: int,
) -> Iterator[dict[str, Any]]:
    """Yield a row of figures, shares in 0..1, for each classifier: kind, seed and the half that it learnt from.

    `accuracy` over all colours and `of_target` (faces tagged with a target that it sees as one), both on the half
    that it did not learn from; of the faces in that half with a source's tag, `faces`, the share seen as a target:
    `before` and `after`.

    Raises:
        UsageError: a tag that nobody has, or too few faces.
    """
    is_source, is_target = faces.among(source), faces.among(target)
    wished = [faces.colours.index(colour) for colour in target]
    made = None
    if change is not None:
        made = np.zeros_like(faces.images)
        made[is_source] = translated(faces.images[is_source], change)
    for parity, name in enumerate(("even", "odd")):
        learnt = faces.numbers % 2 == parity
        there = is_source & ~learnt
        if not there.any() or not (is_target & ~learnt).any():
            raise UsageError("There are too few tagged faces to judge by halves of them; give more.")
        for kind, fit in KINDS.items():
            for seed in range(1 if kind == "regression" else seeds):
                classify = fit(faces.part(learnt), seed)
                seen = classify(faces.images[~learnt])
                row = {"kind": kind, "seed": seed, "learnt_from": name, "faces": int(there.sum())}
                row["accuracy"] = float((seen == faces.hair[~learnt]).mean())
                as_target = np.isin(seen, wished)
                row["of_target"] = float(as_target[is_target[~learnt]].mean())
                row["before"] = float(as_target[is_source[~learnt]].mean())
                if made is not None:
                    row["after"] = float(np.isin(classify(made[there]), wished).mean())
                yield row


def main(words: list[str] | None = None) -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("faces", type=Path, help="a collection of colour faces")
    parser.add_argument("tags", type=Path, help="a CSV with the columns file and hair")
    parser.add_argument("--last", type=int, default=2048, help="how many of the last faces were kept out")
    parser.add_argument("--from", dest="source", nargs="+", required=True, help="tags of the faces judged")
    parser.add_argument(
        "--to", dest="target", nargs="+", required=True, help="the tag that they shall get, or more"
    )
    parser.add_argument("--stage", help="what translates them")
    parser.add_argument("--model", help="or a model with an encoder, and")
    parser.add_argument("--head", help="its decoder")
    parser.add_argument("--seeds", type=int, default=3, help="of each kind of classifier")
    parser.add_argument("--json", action="store_true", help="all rows as JSON")
    given = parser.parse_args(words)
    rows = []
    try:
        change = translation(given.stage, given.model, given.head)
        faces = read_tagged(given.faces, given.tags, given.last)
        for row in judged(faces, given.source, given.target, change, given.seeds):
            rows.append(row)
            begin = f"{row['kind']} {row['seed']} learnt from {row['learnt_from']}, {row['faces']} faces"
            print(f"{begin}: {_shares(row)}", file=sys.stderr if given.json else sys.stdout)
    except ExplorerError as error:
        parser.exit(3, f"{error}\n")
    means = {kind: _means([row for row in rows if row["kind"] == kind]) for kind in KINDS}
    if given.json:
        print(json.dumps({"rows": rows, "means": means}, indent=2))
    else:
        print(*(f"mean of {kind}: {_shares(values)}" for kind, values in means.items()), sep="\n")


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


def _shares(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float))


if __name__ == "__main__":
    main()
