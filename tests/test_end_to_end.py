"""The whole program through its command line, on the article's model, faces and figures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.export.codes import codes_of
from explorer.export.reading import recipe_in

ROOT = Path(__file__).resolve().parent.parent


# ---- the article's figures ----


def test_decode_gives_the_articles_pictures(done, faces, vaeg, reference, tmp_path):
    done("decode", vaeg, "--latents", faces / "reference.npz", "--out", tmp_path / "raw.npy", "--raw")
    raw = np.load(tmp_path / "raw.npy")
    assert raw.dtype == np.float32
    assert raw.shape == (16, 1, 30, 30)
    assert raw[:, 0] == pytest.approx(reference["images"], abs=1e-3)

    done("decode", vaeg, "--latents", faces / "reference.npz", "--out", tmp_path / "unit.npy")
    unit = np.load(tmp_path / "unit.npy")
    assert unit.dtype == np.float32
    assert unit[:, 0] == pytest.approx(np.clip(reference["images"] / 255, 0, 1), abs=1e-5)


def test_colour_faces_and_grey_faces_have_the_same_codes(done, faces, vaeg, reference, tmp_path):
    done("encode", vaeg, faces / "faces-30x30.zip", "--out", tmp_path / "zip.npz")
    done("encode", vaeg, faces / "gray.npz", "--out", tmp_path / "npz.npz")
    with np.load(tmp_path / "zip.npz") as one, np.load(tmp_path / "npz.npz") as other:
        assert np.array_equal(one["mean"], other["mean"])
        assert np.array_equal(one["logvar"], other["logvar"])
        assert one["mean"] == pytest.approx(reference["mu"], abs=1e-3)
        assert one["logvar"] == pytest.approx(reference["logvar"], abs=1e-3)
        assert one["names"][10] == "face0011.png"

    rows = done("activity", vaeg, "--codes", tmp_path / "zip.npz", "--json").json
    assert [row["index"] + 1 for row in rows if row["active"]] == [3, 4, 5, 7, 9]
    assert [row["name"] for row in rows] == [f"z{number}" for number in range(1, 11)]
    assert [row["kl"] for row in rows] == pytest.approx(reference["kl_per_dim"].tolist(), abs=1e-3)
    assert max(rows, key=lambda row: row["sensitivity"])["active"]


def test_activity_of_bare_arrays_and_without_any_codes(done, faces, native):
    rows = done("activity", native, "--codes", faces / "reference.npz", "--json").json
    assert [row["index"] + 1 for row in rows if row["active"]] == [3, 4, 5, 7, 9]
    without = done("activity", native, "--json")
    assert [row["kl"] for row in without.json] == [None] * 10
    assert "sensitivity alone" in without.err
    table = done("activity", native, "--codes", faces / "reference.npz").out
    assert "5 of 10 dimensions are active" in table


@pytest.mark.parametrize("suffix", ["png", "gif", "webp"])
def test_a_strip_between_two_faces(done, vaeg, reference, two_faces, tmp_path, suffix):
    out = tmp_path / f"strip.{suffix}"
    done(
        *("export", "strip", vaeg, "--images", *two_faces, "--steps", 9, "--scale", 1),
        *("--out", out, "--save-codes", tmp_path / "codes.npy"),
    )
    codes = np.load(tmp_path / "codes.npy")
    assert codes.dtype == np.float32
    assert codes == pytest.approx(reference["strip_codes"], abs=1e-4)

    grey = np.clip(np.round(reference["strip_images"]), 0, 255).astype(np.uint8)
    with Image.open(out) as image:
        if suffix == "png":
            assert image.size == (270, 30)
            cells = np.asarray(image).reshape(30, 9, 30, 3).swapaxes(0, 1)
        else:
            cells = np.stack([seek(image, index) for index in range(image.n_frames)])
    assert len(cells) == 9
    assert np.abs(cells[1:-1].astype(int) - grey[1:-1, ..., None]).max() <= 1
    for cell, path in zip(cells[[0, -1]], two_faces, strict=True):
        with Image.open(path) as source:
            wrong = np.abs(cell.astype(int) - np.asarray(source.convert("RGB")))
        assert wrong.max() == 0 if suffix != "gif" else wrong.mean() < 4  # a GIF frame has 256 colours


def seek(film, index):
    """One frame as pixels."""
    film.seek(index)
    return np.asarray(film.convert("RGB"))


def test_the_ends_of_a_strip_may_be_reconstructions(done, native, reference, two_faces, tmp_path):
    pair = tmp_path / "pair.npy"
    np.save(pair, reference["strip_codes"][[0, -1]])
    done("export", "strip", native, "--images", *two_faces, "--ends", "decoded", "--out", tmp_path / "a.png")
    done("export", "strip", native, "--codes", pair, "--out", tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.size == b.size == (9 * 150, 150)
        assert a.mode == "L"
        assert np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= 1


# ---- exports are what is shown ----


@pytest.mark.parametrize("count", [1, 9, 90])
@pytest.mark.parametrize("staged", [False, True], ids=["bare", "staged"])
def test_exported_pictures_are_the_shown_ones(done, native, colorizer, tmp_path, count, staged):
    from explorer.formats import open_latent, open_stage
    from explorer.latent.sampling import sample
    from explorer.render.renderer import Renderer
    from explorer.render.requests import RenderRequest, frozen_codes

    stages = ["--stage", colorizer] if staged else []
    done("export", "samples", native, "--count", count, "--scale", 1, "--out", tmp_path / "a.png", *stages)
    with Image.open(tmp_path / "a.png") as image:
        page = np.atleast_3d(np.asarray(image))
    columns = page.shape[1] // 30

    model = open_latent(native).model
    applied = (open_stage(colorizer),) if staged else ()
    renderer = Renderer(device="auto")
    for index, code in enumerate(sample(model.spaces["z"], count, 0)):
        request = RenderRequest("canvas", 1, index, model, codes=frozen_codes(code), stages=applied)
        shown = renderer.render(request).pictures[0]
        top, left = index // columns * 30, index % columns * 30
        assert np.array_equal(page[top : top + 30, left : left + 30], shown), index
    assert page.shape[-1] == (3 if staged else 1)


def test_sheet_manifold_and_reconstructions(done, faces, native, tmp_path):
    done("export", "sheet", native, "--steps", 5, "--out", tmp_path / "sheet.png")
    done(
        "export",
        "manifold",
        native,
        "--steps",
        4,
        "--dims",
        "2,8",
        "--out",
        tmp_path / "grid.png",
        "--scale",
        1,
    )
    said = done(
        *("export", "reconstructions", native, faces / "gray.npz", "--count", 11, "--out", tmp_path / "r.png")
    )
    assert "11 pictures" in said.err
    with Image.open(tmp_path / "sheet.png") as sheet, Image.open(tmp_path / "grid.png") as grid:
        assert sheet.height == 10 * 150
        assert sheet.width > 5 * 150
        cells = np.asarray(grid).reshape(4, 30, 4, 30).swapaxes(1, 2)
        assert grid.size == (120, 120)
    recipe = recipe_in(tmp_path / "grid.png")
    assert recipe.settings["dims"] == [2, 8]
    codes = codes_of(recipe)
    assert (np.diff(codes[:4, 2]) > 0).all()
    np.save(tmp_path / "codes.npy", codes)
    done("decode", native, "--latents", tmp_path / "codes.npy", "--out", tmp_path / "d.npy")
    decoded = np.load(tmp_path / "d.npy")[:, 0].reshape(4, 4, 30, 30) * 255
    assert np.abs(cells - decoded).max() <= 0.501


def test_a_stage_on_pictures_and_arrays(done, faces, colorizer, tmp_path):
    with np.load(faces / "gray.npz") as arrays:
        grey = arrays["images"][:3]
    np.savez(tmp_path / "grey.npz", images=grey)
    np.save(tmp_path / "grey.npy", grey[:, None].astype(np.float32) / np.float32(255))
    done("apply", colorizer, tmp_path / "grey.npz", "--out", tmp_path / "a.npy")
    done("apply", colorizer, tmp_path / "grey.npy", "--out", tmp_path / "b.npy")
    applied = np.load(tmp_path / "a.npy")
    assert applied.dtype == np.float32
    assert applied.shape == (3, 3, 30, 30)
    assert 0 <= applied.min() < applied.max() <= 1
    assert np.array_equal(applied, np.load(tmp_path / "b.npy"))


def test_arrays_that_are_no_pictures_for_a_stage(call, done, colorizer, tmp_path):
    wrong = {"range": np.full((1, 1, 4, 4), 2.0), "colour": np.zeros((1, 3, 4, 4)), "flat": np.zeros((4, 4))}
    for name, array in wrong.items():
        np.save(tmp_path / f"{name}.npy", array)
        call("apply", colorizer, tmp_path / f"{name}.npy", "--out", tmp_path / "o.npy").refused(f"{name}.npy")
    np.save(tmp_path / "nan.npy", np.full((1, 1, 8, 8), np.nan))
    assert "not numbers" in done("apply", colorizer, tmp_path / "nan.npy", "--out", tmp_path / "o.npy").err


def test_info_of_both_kinds(done, vaeg, colorizer):
    facts = done("info", vaeg, "--json").json
    assert facts["kind"] == "latent"
    assert facts["architecture"] == "fc-vae"
    assert facts["encoder"] is True
    assert facts["image"] == {"channels": 1, "height": 30, "width": 30}
    assert facts["spaces"][0]["dim"] == 10
    assert facts["parameters"] == 1_027_640
    assert done("info", colorizer, "--json").json["kind"] == "stage"
    assert "fc-vae" in done("info", vaeg).out


def test_labels_ride_in_the_code_book_and_the_book_beside_a_checkpoint_is_used(done, faces, vaeg, tmp_path):
    own = tmp_path / "own.pth"
    own.write_bytes(vaeg.read_bytes())
    with np.load(faces / "gray.npz") as arrays:
        np.savez(tmp_path / "few.npz", images=arrays["images"][:40])
    (tmp_path / "tags.csv").write_text("file,hair,brightness\n0,red,1.5\n2,blue,\n")
    done(
        "encode",
        own,
        tmp_path / "few.npz",
        "--labels",
        tmp_path / "tags.csv",
        "--out",
        tmp_path / "own.codes.npz",
    )
    with np.load(tmp_path / "own.codes.npz") as book:
        assert book["labels_hair"][:3].tolist() == ["red", "", "blue"]
        assert book["labels_brightness"][0] == 1.5
        assert np.isnan(book["labels_brightness"][1:]).all()
    facts = done("info", own, "--json").json
    assert facts["code_book"] == {"pictures": 40, "labels": ["hair", "brightness"]}
    assert facts["spaces"][0]["measured"] is True
    assert done("activity", own, "--json").json[0]["kl"] is not None


# ---- without a display ----


def test_without_a_display_pictures_are_rendered(call, native, tmp_path, monkeypatch):
    from explorer.cli import window

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(window, "has_display", lambda: False)
    outcome = call(native)
    assert outcome.status == 0, outcome.err
    assert "display" in outcome.err
    names = {path.stem for path in (tmp_path / "out" / "tour").glob("*.png")}
    assert names >= {"samples", "sheet", "strip", "manifold", "map"}
    assert call("nowhere.pth").refused("nowhere.pth")


def test_the_window_gets_what_was_asked_for(call, vaeg, monkeypatch):
    from explorer.cli import window

    opened = []
    app = type(sys)("explorer.gui.app")
    app.run = lambda *args: opened.append(args) or 0
    monkeypatch.setitem(sys.modules, "explorer.gui.app", app)
    monkeypatch.setattr(window, "has_display", lambda: True)
    assert call(vaeg, "--stage", "a.pt", "--stage", "b.pt", "--device", "cpu").status == 0
    assert call().status == 0
    assert call("--precision", "fast").status == 0
    assert opened == [
        (str(vaeg), ("a.pt", "b.pt"), "cpu", "exact"),
        (None, (), "auto", "exact"),
        (None, (), "auto", "fast"),
    ]
    call("inof").refused("did you mean info")


def test_the_way_to_the_window_is_light():
    code = (
        "import sys, types, explorer.gui\n"
        "names = ('torch', 'numpy', 'sklearn', 'PIL', 'rich', 'scipy')\n"
        "heavy = lambda: [name for name in names if name in sys.modules]\n"
        "app = types.ModuleType('explorer.gui.app')\n"
        "app.run = lambda *args: print(heavy()) or 0\n"
        "sys.modules['explorer.gui.app'] = app\n"
        "import explorer.cli\n"
        "explorer.cli.main([])\n"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.stdout == "[]\n", ended
