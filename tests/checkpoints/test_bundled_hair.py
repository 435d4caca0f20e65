"""`hair-translate` and `twin-faces`: hair of another colour, judged on faces kept out of their training."""

import numpy as np
import pytest
import torch

from explorer.formats import open_latent, open_stage
from explorer.models.base import DecodeOptions

DARK, BLOND = ("black", "brown"), ("blonde",)


def _share(script, faces, source, target, change, kind):
    """Return the share of faces seen with the hair of `target`, before and after a change, by a quick classifier.

    It learns from one half of the faces and judges the other; `bench --quality` changes the halves about, too.
    """
    script.KINDS = {kind.__name__: kind}
    row = next(iter(script.judged(faces, list(source), list(target), change, 1)))
    assert row["accuracy"] > 0.5  # of twelve colours
    return row["before"], row["after"]


@pytest.mark.parametrize(
    ("stage", "source", "target"), [("hair-translate", DARK, BLOND), ("hair-translate-back", BLOND, DARK)]
)
def test_translated_hair_is_seen_as_the_other_one(hair_tags, kept_out, stage, source, target):
    change = hair_tags.translation(stage, None, None)
    before, after = _share(hair_tags, kept_out, source, target, change, hair_tags.regression)
    assert before < 0.15
    assert after >= 0.7


def test_a_face_comes_back_and_one_that_is_blond_stays(hair_tags, kept_out):
    there, back = (open_stage(name).apply for name in ("hair-translate", "hair-translate-back"))
    dark = kept_out.images[kept_out.among(list(DARK))][:32]
    again = hair_tags.translated(dark, lambda images: back(there(images)))
    assert np.abs(again.astype(int) - dark).mean() < 30
    blond = kept_out.images[kept_out.among(list(BLOND))][:32]
    kept = hair_tags.translated(blond, there)
    assert np.abs(kept.astype(int) - blond).mean() < 40
    assert open_stage("hair-translate").trained["data"]["second"]["sources"] == ["blond.zip"]


@pytest.mark.parametrize("stage", ["hair-translate", "hair-translate-back"])
def test_it_takes_pictures_of_any_size(stage):
    with torch.inference_mode():
        assert open_stage(stage).apply(torch.rand(1, 3, 90, 50)).shape == (1, 3, 90, 50)


def test_the_twins_are_the_ones_promised():
    opened = open_latent("twin-faces")
    model, book = opened.model, opened.code_book
    assert model.heads == ("blue-hair", "red-hair")
    assert model.spaces["z"].dim == 128
    assert model.spaces["z"].measured
    assert set(np.unique(book.labels["hair"])) == {"blue", "red"}
    assert book.model_sha256 == model.origin.sha256
    assert model.trained["data"]["second"]["sources"] == ["red-hair.zip"]


@pytest.mark.parametrize(("source", "target"), [("blue", "red"), ("red", "blue")])
def test_swapped_faces_have_the_other_hair(hair_tags, kept_out, source, target):
    change = hair_tags.translation(None, "twin-faces", f"{target}-hair")
    before, after = _share(hair_tags, kept_out, [source], [target], change, hair_tags.forest)
    assert before < 0.1
    assert after >= 0.7


def test_swapped_faces_stay_who_and_where_they_are(kept_out):
    """The luminance of a swapped face is nearer to its own picture's than to other ones'."""
    model = open_latent("twin-faces").model
    pictures = torch.from_numpy(kept_out.images[kept_out.among(["blue"])]).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        swapped = model.decode(model.encode(pictures).mean, options=DecodeOptions(head="red-hair"))
    grey, drawn = (
        each.mean(1)[:, 16:56, 12:52].flatten(1) for each in (pictures, swapped)
    )  # the middle of the face
    grey, drawn = ((each - each.mean(1, keepdim=True)) / each.std(1, keepdim=True) for each in (grey, drawn))
    likeness = drawn @ grey.T / grey.shape[1]  # (N, N) correlations
    ranks = (likeness >= likeness.diagonal()[:, None]).sum(1)
    assert (ranks == 1).float().mean() > 0.5
