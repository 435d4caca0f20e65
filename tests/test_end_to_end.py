"""The whole program through its command line, on the article's model, faces and figures."""

import json
import os
import subprocess
import sys
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Outcome:
    """How a call ended."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output, which must be JSON alone."""
        return json.loads(self.out)

    def refused(self, *words, status=3):
        """Whether the call ended with this status and one finished sentence that has these words."""
        lines = self.err.strip().splitlines()
        assert self.status == status, self
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", "?")), self.err
        assert "Traceback" not in self.err
        assert not self.out
        for word in words:
            assert word in self.err, (word, self.err)
        return True


@pytest.fixture
def call(capsys):
    """Run the command line in this process."""

    def run(*args):
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main([str(arg) for arg in args])
        return Outcome(leaving.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def done(call):
    """Run the command line, which must succeed."""

    def run(*args):
        outcome = call(*args)
        assert outcome.status == 0, outcome.err
        return outcome

    return run


@pytest.fixture(scope="module")
def faces(reference_data):
    """The folder of the article's faces, its model and its figures."""
    return reference_data / "seed-animeface"


@pytest.fixture(scope="module")
def vaeg(faces):
    """The article's trained model."""
    return faces / "vaeg.pth"


@pytest.fixture(scope="module")
def native(vaeg, tmp_path_factory):
    """The article's model as a native checkpoint, which opens without a process of its own."""
    from explorer.formats import open_latent, save_native
    from explorer.models import architecture

    path = tmp_path_factory.mktemp("native") / "native.safetensors"
    save_native(path, open_latent(vaeg).model, config=architecture("fc-vae").config(), trained={})
    return path


@pytest.fixture(scope="module")
def reference(faces):
    """What the article's own code made of it."""
    with np.load(faces / "reference.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def two_faces(faces, tmp_path_factory):
    """The faces 11 and 501 as files."""
    folder = tmp_path_factory.mktemp("faces")
    with zipfile.ZipFile(faces / "faces-30x30.zip") as archive:
        for name in archive.namelist():
            if Path(name).name in ("face0011.png", "face0501.png"):
                (folder / Path(name).name).write_bytes(archive.read(name))
    return folder / "face0011.png", folder / "face0501.png"


def save_random(path, name):
    """Write a native checkpoint of an architecture with random weights that show."""
    import torch

    from explorer.formats import save_native
    from explorer.models import architecture

    family = architecture(name)
    config = family.config()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = family.network(config)
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(torch.randn_like(weights) * 0.05)
    save_native(path, family.wrap(network.eval(), config, name=path.stem), config=config, trained={})
    return path


@pytest.fixture(scope="module")
def colorizer(tmp_path_factory):
    """A colour stage with random weights."""
    return save_random(tmp_path_factory.mktemp("stage") / "colours.safetensors", "conv-colorizer")


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
        recipe = json.loads(grid.text["latent-explorer"])
        assert recipe["dims"] == [2, 8]
        cells = np.asarray(grid).reshape(4, 30, 4, 30).swapaxes(1, 2)
        assert grid.size == (120, 120)
    codes = np.array(recipe["codes"], np.float32)
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


# ---- wrong calls ----


@pytest.mark.parametrize(
    "args",
    [
        ["decode", "--nonsense"],
        ["decode", "{native}"],
        ["export", "nothing", "{native}"],
        ["export", "samples", "{native}", "--out", "a.png", "--count", "0"],
        ["export", "samples", "{native}", "--out", "a.png", "--device", "abacus"],
        ["{native}", "surplus"],
    ],
)
def test_wrong_calls_show_the_usage(call, native, args):
    outcome = call(*[arg.format(native=native) for arg in args])
    assert outcome.status == 2
    assert "Usage: latent-explorer" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["samples", "--psi", "0.7"], "psi"),
        (["samples", "--space", "w"], "space w"),
        (["samples", "--hint", "architecture"], "KEY=VALUE"),
        (["samples", "--hint", "colour=red"], "colour"),
        (["manifold", "--dims", "0,10"], "0 to 9"),
        (["manifold", "--dims", "3,3"], "different"),
        (["strip"], "--images"),
    ],
)
def test_options_that_make_no_sense_here(call, native, tmp_path, args, word):
    call("export", args[0], native, *args[1:], "--out", tmp_path / "a.png").refused(word, status=2)
    call("export", args[0], native, *args[1:], "--out", tmp_path / "a.bmp").refused(status=2)
    assert not list(tmp_path.iterdir())


def test_every_command_has_an_example(call):
    commands = ["info", "activity", "decode", "encode", "apply", "train", "bench"]
    commands += [f"export {name}" for name in ("strip", "sheet", "manifold", "samples", "reconstructions")]
    shown = call("--help").out
    for command in commands:
        assert command.split()[0] in shown
        page = call(*command.split(), "--help")
        assert page.status == 0
        assert f"Example: latent-explorer {command}" in page.out


# ---- wrong files ----


def save_weights(path, weights):
    """Write a plain torch state dict."""
    import torch

    torch.save(OrderedDict(weights), path)
    return path


@pytest.fixture(scope="module")
def weights(vaeg):
    """The article's weights by name."""
    import torch

    return torch.load(vaeg, weights_only=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.pth", None),
        ("empty.pth", b""),
        ("text.pt", b"Dear reader,\nthis is no checkpoint.\n"),
        ("noise.safetensors", b"\x80\x01\x02\x03" * 500),
        ("zip.pth", b"PK\x03\x04" + b"\0" * 200),
    ],
)
def test_files_that_are_no_checkpoints(call, reference, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "z.npy", reference["z"])
    (tmp_path / "out.npy").write_text("old")
    path = tmp_path / name
    call("info", path).refused(name)
    call("decode", path, "--latents", tmp_path / "z.npy", "--out", tmp_path / "out.npy").refused(name)
    assert (tmp_path / "out.npy").read_text() == "old"


def test_a_truncated_checkpoint(call, vaeg, tmp_path):
    whole = vaeg.read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 10):
        (tmp_path / "cut.pth").write_bytes(whole[:size])
        call("info", tmp_path / "cut.pth").refused("cut.pth")


def test_a_tensor_that_is_missing_or_of_another_shape_is_named(call, weights, tmp_path):
    less = {key: value for key, value in weights.items() if key != "decoder.2.bias"}
    call("info", save_weights(tmp_path / "less.pth", less)).refused("decoder.2.bias")
    bent = weights | {"fcvar.weight": weights["fcvar.weight"][:, :-1]}
    call("info", save_weights(tmp_path / "bent.pth", bent)).refused("fcvar.weight")


def test_weights_that_are_not_numbers_are_drawn_as_a_check_pattern(done, weights, tmp_path):
    key = next(key for key in reversed(weights) if key.startswith("decoder") and key.endswith("bias"))
    spoilt = weights[key].clone()
    spoilt[:450] = float("nan")
    path = save_weights(tmp_path / "nan.pth", weights | {key: spoilt})
    said = done("export", "samples", path, "--count", 1, "--scale", 1, "--out", tmp_path / "a.png").err
    assert "not numbers" in said
    with Image.open(tmp_path / "a.png") as image:
        upper = np.asarray(image)[:15]
    assert len(np.unique(upper)) == 2
    np.save(tmp_path / "z.npy", np.zeros((1, 10), np.float32))
    said = done("decode", path, "--latents", tmp_path / "z.npy", "--out", tmp_path / "d.npy").err
    assert "450 of 900" in said
    assert np.isnan(np.load(tmp_path / "d.npy")).sum() == 450


def test_latents_that_do_not_fit(call, native, tmp_path):
    for name, array in {
        "wide": np.zeros((2, 11)),
        "text": np.array(["a", "b"]),
        "nan": np.full((1, 10), np.nan),
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
        outcome = call("decode", native, "--latents", tmp_path / f"{name}.npy", "--out", tmp_path / "o.npy")
        assert outcome.refused(f"{name}.npy")
    call("decode", native, "--latents", tmp_path / "no.npy", "--out", tmp_path / "o.npy").refused("no.npy")
    np.save(tmp_path / "three.npy", np.zeros((3, 10)))
    call("export", "strip", native, "--codes", tmp_path / "three.npy", "--out", tmp_path / "o.png").refused(
        "3 codes"
    )
    call("export", "sheet", native, "--code", tmp_path / "three.npy", "--out", tmp_path / "o.png").refused(
        "3 codes"
    )
    call("activity", native, "--codes", tmp_path / "three.npy").refused("three.npy")
    assert not list(tmp_path.glob("o.*"))


def test_pictures_of_other_kinds(call, done, native, two_faces, tmp_path):
    kinds = {
        "RGBA": (40, 30),
        "L": (1, 1),
        "P": (30, 60),
        "CMYK": (31, 29),
        "1": (300, 300),
        "I;16": (30, 30),
    }
    for mode, size in kinds.items():
        suffix = "tiff" if mode in ("CMYK", "I;16") else "png"
        path = tmp_path / f"{mode.replace(';', '')}.{suffix}"
        Image.new(mode, size).save(path)
        done("export", "strip", native, "--images", path, two_faces[1], "--out", tmp_path / "o.png")
        done("encode", native, path, "--out", tmp_path / "o.npz")
    (tmp_path / "o.png").unlink()
    (tmp_path / "text.png").write_text("no picture")
    strip = ("export", "strip", native, "--out", tmp_path / "o.png", "--images", two_faces[0])
    call(*strip, tmp_path / "text.png").refused("text.png")
    call(*strip, tmp_path / "none.png").refused("none.png")
    call("encode", native, tmp_path / "text.png", "--out", tmp_path / "p.npz").refused("text.png")
    assert not (tmp_path / "o.png").exists()
    assert not (tmp_path / "p.npz").exists()


def test_a_stage_in_the_wrong_place(call, native, colorizer, tmp_path):
    call("export", "samples", colorizer, "--out", tmp_path / "o.png").refused("stage")
    call("export", "samples", native, "--stage", native, "--out", tmp_path / "o.png").refused("generator")
    two = ["--stage", colorizer, "--stage", colorizer]
    call("export", "samples", native, *two, "--out", tmp_path / "o.png").refused("3x30x30", "1xany")


def test_notes_are_told_where_the_call_ends_well(call, done, native, tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(native.read_bytes())
    (tmp_path / "own.codes.npz").write_text("no code book")
    assert "code book" in done("export", "samples", own, "--count", 1, "--out", tmp_path / "a.png").err
    call("export", "samples", own, "--count", 1, "--out", "/proc/a.png").refused("/proc/a.png")


def test_a_model_without_an_encoder(call, done, two_faces, tmp_path):
    gan = save_random(tmp_path / "gan.safetensors", "fc-gan")
    done("export", "samples", gan, "--count", 4, "--out", tmp_path / "a.png")
    rows = done("activity", gan, "--json").json
    assert any(row["active"] for row in rows)
    strip = ("export", "strip", gan, "--images", *two_faces, "--out", tmp_path / "b.png")
    call(*strip).refused("encoder", status=2)
    call("encode", gan, two_faces[0], "--out", tmp_path / "b.npz").refused("encoder", status=2)


def test_someone_elses_generator(done, reference_data, tmp_path):
    folder = reference_data / "trained-checkpoints" / "csinva_mnist_gan_mlp"
    done(
        "decode",
        folder / "G--300.ckpt",
        "--latents",
        folder / "reference.npz",
        "--out",
        tmp_path / "a.npy",
        "--raw",
    )
    with np.load(folder / "reference.npz") as reference:
        images = reference["images"]
    assert np.load(tmp_path / "a.npy").ravel() == pytest.approx(images.ravel(), abs=1e-4)


def test_a_call_that_is_interrupted_is_quiet(call, native, tmp_path, monkeypatch):
    from explorer.render.renderer import Renderer

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Renderer, "render", interrupt)
    assert call("export", "samples", native, "--out", tmp_path / "a.png") == Outcome(130, "", "")
    assert not list(tmp_path.iterdir())


# ---- places that cannot be written ----


def test_places_that_cannot_be_written(call, native, faces, tmp_path):
    latents = ("--latents", faces / "reference.npz")
    call("decode", native, *latents, "--out", tmp_path / "none" / "o.npy").refused("no folder")
    call("decode", native, *latents, "--out", tmp_path).refused("is a folder")
    call("decode", native, *latents, "--out", "/proc/o.npy").refused("/proc/o.npy")
    call("encode", native, faces / "gray.npz", "--out", "/proc/o.npz").refused("/proc/o.npz")
    call("export", "samples", native, "--out", "/proc/o.png").refused("/proc/o.png")


def test_a_full_disk_loses_nothing(native, tmp_path):
    np.save(tmp_path / "z.npy", np.zeros((2000, 10), np.float32))
    (tmp_path / "o.npy").write_text("old")
    code = (
        "import resource, sys; from explorer.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, 6 << 20))\n"
        "main(sys.argv[1:])"
    )
    command = ["decode", str(native), "--latents", "z.npy", "--out", "o.npy"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert Outcome(ended.returncode, ended.stdout, ended.stderr).refused("o.npy", "too large")
    assert (tmp_path / "o.npy").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["o.npy", "z.npy"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_standard_output_that_is_full_or_closed(native):
    command = [sys.executable, str(ROOT / "main.py"), "info", str(native), "--json"]
    with open("/dev/full", "w") as full:
        for args in (command, [*command[:2], "--version"]):
            ended = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, text=True)
            assert Outcome(ended.returncode, "", ended.stderr).refused("Standard output")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert ended.stderr == ""
