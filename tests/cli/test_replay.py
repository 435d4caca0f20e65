"""`replay`: exported by the command line, made again, the same pixels."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo

from explorer.cli.comparing import compared
from explorer.export.reading import recipe_in
from explorer.models.base import NO_OPTIONS, LatentModel

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def checkpoint(native, tmp_path):
    """A copy of the model in a folder of its own, which a test may move."""
    folder = tmp_path / "models"
    folder.mkdir()
    return Path(shutil.copy(native, folder / "faces.safetensors"))


@pytest.fixture
def whereabouts(own_settings):
    """The file of where checkpoints were."""
    return own_settings / "xdg_state_home" / "latent-explorer" / "whereabouts.json"


@pytest.fixture
def picture(done, checkpoint, here, whereabouts):
    """An exported picture; its checkpoint is nowhere near, and nobody remembers where."""
    done("export", "samples", checkpoint, "--count", 4, "--scale", 1, "--out", here / "a.png")
    whereabouts.unlink()
    return here / "a.png"


def frames(path):
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


def same(one, other):
    ours, theirs = frames(one), frames(other)
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


KINDS = {
    "picture": ["picture", "{native}", "--code", "{one}", "--captions", "--out", "a.png"],
    "strip": ["strip", "{native}", "--codes", "{pair}", "--path", "slerp", "--gap", "3", "--out", "a.png"],
    "source": ["strip", "{native}", "--images", "{a}", "{b}", "--captions", "--out", "a.webp"],
    "film": ["strip", "{native}", "--images", "{a}", "{b}", "--steps", "5", "--out", "a.gif"],
    "staged film": ["strip", "{native}", "--codes", "{pair}", "--stage", "{colours}", "--out", "a.webp"],
    "sheet": ["sheet", "{native}", "--code", "{one}", "--steps", "4", "--range", "prior", "--out", "a.png"],
    "captions": [
        "sheet",
        "{native}",
        "--steps",
        "5",
        "--captions",
        "--background",
        "#102030",
        "--out",
        "a.png",
    ],
    "manifold": ["manifold", "{native}", "--dims", "8,2", "--steps", "5", "--margin", "7", "--out", "a.png"],
    "samples": [
        "samples",
        "{native}",
        "--count",
        "7",
        "--seed",
        "5",
        "--stage",
        "{colours}",
        "--out",
        "a.gif",
    ],
    "reconstructions": ["reconstructions", "{native}", "{grey}", "--count", "11", "--out", "a.png"],
    "map": ["map", "{native}", "--tiles", "4", "--out", "a.png"],
    "plane": ["map", "anime-faces", "--plane", "2,8", "--tiles", "0", "--out", "a.png"],
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_made_again_pixel_for_pixel(
    done, native, colorizer, reference, two_faces, faces, here, tmp_path, name
):
    np.save(tmp_path / "pair.npy", reference["strip_codes"][[0, -1]])
    np.save(tmp_path / "one.npy", reference["strip_codes"][:1])
    words = {
        "native": native,
        "colours": colorizer,
        "pair": tmp_path / "pair.npy",
        "one": tmp_path / "one.npy",
    }
    words |= {"a": two_faces[0], "b": two_faces[1], "grey": faces / "gray.npz"}
    call = [word.format(**words) for word in KINDS[name]]
    done("export", *call)
    (exported,) = here.iterdir()
    given = ["--stage", colorizer] if str(colorizer) in call else []
    said = done(
        "replay", exported, "--model", words["native"] if str(native) in call else "anime-faces", *given
    )
    made = here / f"a replayed{exported.suffix}"
    assert said.err.splitlines()[-1] == f"{made.name} has the same pixels as {exported}."
    assert said.out == ""
    assert same(made, exported)
    assert recipe_in(made).kind == recipe_in(exported).kind
    # ... and so is what was made again.
    done("replay", made, "--model", words["native"] if str(native) in call else "anime-faces", *given)
    assert same(here / f"a replayed replayed{exported.suffix}", exported)


def test_a_picture_that_another_program_saved_again_keeps_its_recipe(done, picture, checkpoint, here):
    with Image.open(picture) as image:
        texts = PngInfo()
        for keyword, text in image.text.items():
            texts.add_text(keyword, text)
        image.convert("RGB").save(here / "again.png", pnginfo=texts, optimize=True)
    said = done("replay", here / "again.png", "--model", checkpoint)
    assert "again replayed.png has the same pixels" in said.err


def test_a_checkpoint_is_found_wherever_it_was_moved(call, done, picture, checkpoint, here, tmp_path):
    call("replay", picture).refused(f"{picture} was made with faces (SHA-256", "give it by --model")
    assert [path.name for path in here.iterdir()] == ["a.png"]
    moved = shutil.move(checkpoint, here / "renamed.safetensors")
    assert "same pixels" in done("replay", picture).err
    # In the folder of the picture, from another one.
    (tmp_path / "far").mkdir()
    shutil.move(moved, tmp_path / "far" / "x.safetensors")
    shutil.move(picture, tmp_path / "far" / "a.png")
    said = done("replay", tmp_path / "far" / "a.png", "--out", "b.png")
    assert "b.png has the same pixels" in said.err
    assert recipe_in(here / "b.png").model.name == "faces"


def test_a_checkpoint_that_was_just_used_is_found_and_is_not_listed_as_recent(done, native, here):
    from explorer.formats import recent

    done("export", "samples", native, "--count", 4, "--out", "a.png")
    assert "same pixels" in done("replay", "a.png").err
    assert recent.entries() == []


def test_a_recent_checkpoint_is_found(done, picture, checkpoint):
    from explorer.formats import recent

    recent.add(checkpoint, "called otherwise", None, "model")
    assert "same pixels" in done("replay", picture).err


def test_a_bundled_model_and_stage_need_nothing(done, here):
    done("export", "samples", "anime-faces", "--count", 4, "--stage", "anime-colorizer", "--out", "a.png")
    assert "same pixels" in done("replay", "a.png").err


def test_a_stage_that_is_not_found(call, done, native, colorizer, here, whereabouts):
    done("export", "samples", native, "--count", 1, "--stage", colorizer, "--out", "a.png")
    whereabouts.unlink()
    call("replay", "a.png", "--model", native).refused("made with colours (SHA-256", "give it by --stage")


def test_another_model_is_used_where_it_was_given(done, call, picture, tmp_path, here):
    from calls import save_random

    other = save_random(tmp_path / "other.safetensors", "fc-vae")
    said = done("replay", picture, "--model", other).err.splitlines()
    assert said[0].startswith("Warning: it was made with faces (SHA-256")
    assert "other is another one" in said[0]
    assert said[-1].startswith("a replayed.png differs from")
    assert recipe_in(here / "a replayed.png").model.name == "other"
    gan = save_random(tmp_path / "gan.safetensors", "dcgan")
    call("replay", picture, "--model", gan).refused("codes of 10 dimensions")


def test_another_stage_is_used_where_it_was_given_and_one_too_many_is_told(
    done, native, colorizer, picture, here
):
    done("export", "samples", "anime-faces", "--count", 1, "--stage", "anime-colorizer", "--out", "b.png")
    said = done("replay", "b.png", "--stage", colorizer).err
    assert "made with anime-colorizer (SHA-256" in said
    assert recipe_in(here / "b replayed.png").stages[0].name == "colours"
    said = done("replay", "b.png", "--stage", colorizer, "--stage", "anime-colorizer").err
    assert f"{colorizer} was not needed" in said
    assert "same pixels" in said


def test_what_cannot_be_replayed(call, picture, native, here):
    Image.new("L", (4, 4)).save("bare.png")
    call("replay", "bare.png").refused("bare.png carries no recipe")
    call("replay", "none.png").refused("none.png")
    call("replay", native).refused("carries no recipe")
    call("replay", "my.session.json").refused("my.session.json cannot be read")
    call("replay", "my.session.json", "--model", native).refused("its own networks", status=2)
    call("replay", picture, "--out", picture, "--model", native).refused("is the picture", status=2)
    call("replay", picture, "--out", "../here/a.png", "--model", native).refused("is the picture", status=2)
    call("replay", picture, "--out", "a.bmp", "--model", native).refused(status=2)
    call("replay", picture, "--model", "missing.pth").refused("missing.pth")
    call("replay", picture, "--model", native, "--stage", "missing.pth", "--out", "b.png")
    assert sorted(path.name for path in here.iterdir()) == ["a.png", "b.png", "bare.png"]


def test_what_differs_is_counted(tmp_path):
    one, other = np.zeros((2, 4, 4, 3), np.uint8)
    other[0, :3] = 9
    other[1, 1] = 3
    images = [Image.fromarray(pixels) for pixels in (one, other)]
    for name, image in zip(("one.png", "other.png"), images, strict=True):
        image.save(tmp_path / name)
    said = compared(tmp_path / "one.png", tmp_path / "other.png").text
    assert "in 4 of 16 pixels, by at most 9 of 255" in said
    Image.new("L", (3, 4)).save(tmp_path / "small.png")
    said = compared(tmp_path / "one.png", tmp_path / "small.png").text
    assert "1 picture of 4x4 pixels" in said
    assert "1 picture of 3x4 pixels" in said
    images[0].save(tmp_path / "film.webp", save_all=True, append_images=images[1:], lossless=True)
    images[1].save(tmp_path / "other.webp", save_all=True, append_images=images[1:], lossless=True)
    assert "2 pictures of" in compared(tmp_path / "film.webp", tmp_path / "one.png").text
    (tmp_path / "cut.png").write_bytes((tmp_path / "one.png").read_bytes()[:-30])
    assert "could not be compared" in compared(tmp_path / "one.png", tmp_path / "cut.png").text


class Movable(LatentModel):
    """A model that two of the decode options change."""

    accepts = frozenset({"psi", "transform"})

    def decode_raw(self, codes, space="z", options=NO_OPTIONS):
        shift = float(options.transform[0, 2]) if options.transform is not None else 0.0
        return super().decode_raw(codes * (options.psi or 1.0) + shift, space)


def test_decode_options_are_those_of_the_recipe(done, native, monkeypatch, here, tmp_path):
    from explorer import formats

    read = formats.open_latent

    def open_latent(*args, **named):
        opened = read(*args, **named)
        opened.model.__class__ = Movable
        return opened

    monkeypatch.setattr(formats, "open_latent", open_latent)
    np.save(tmp_path / "t.npy", np.array([[1, 0, 0.3], [0, 1, 0], [0, 0, 1]]))
    given = ("--psi", "0.3", "--transform", tmp_path / "t.npy")
    done("export", "samples", native, "--count", 4, "--out", "plain.png")
    done("export", "samples", native, "--count", 4, *given, "--out", "a.png")
    assert not same(here / "a.png", here / "plain.png")
    assert "same pixels" in done("replay", "a.png", "--model", native).err


def test_a_session_gives_the_picture_it_was_left_with(done, call, native, colorizer, here, tmp_path):
    from explorer.formats import open_latent, open_stage
    from explorer.gui.sessions.session_file import Moment, describe
    from explorer.gui.state import StageEntry, State, frozen_code

    opened, stage = open_latent(native), open_stage(colorizer)
    code = frozen_code(np.linspace(-1, 1, 10))
    for enabled in (True, False):
        state = State(opened, "z", code, np.zeros(10, bool), stages=(StageEntry(1, stage, enabled),))
        (here / "my.session.json").write_text(describe(Moment(state), here))
        assert "is the picture that" in done("replay", "my.session.json").err
        np.save(tmp_path / "code.npy", code)
        stages = ["--stage", colorizer] if enabled else []
        done(
            "export",
            "picture",
            native,
            "--code",
            tmp_path / "code.npy",
            "--scale",
            1,
            *stages,
            "--out",
            "b.png",
        )
        made = here / ("my replayed.png" if enabled else "my replayed 2.png")  # the first one stays
        assert same(made, here / "b.png")
        assert recipe_in(made).kind == "picture"


def test_a_session_is_replayed_with_its_class(done, here, monkeypatch):
    import fakes

    from explorer.formats import Opened
    from explorer.gui.sessions import session_opening
    from explorer.gui.sessions.session_file import Moment
    from explorer.gui.sessions.session_reading import Restored
    from explorer.gui.state import State, frozen_code
    from explorer.models.base import DecodeOptions
    from explorer.render.renderer import Renderer

    opened, code = Opened(fakes.conditional()), frozen_code(np.ones(3))
    for label in (0, 3):
        state = State(opened, "z", code, np.zeros(3, bool), label)
        monkeypatch.setattr(session_opening, "open_session", lambda *_, s=state: (None, Restored(Moment(s))))
        done("replay", "my.session.json", "--out", f"{label}.png")
        options = DecodeOptions(labels=np.array([label]))
        expected = Renderer("cpu").decode(opened.model, code[None], "z", options)[0, 0]
        written = np.asarray(Image.open(here / f"{label}.png").convert("L"), float)
        assert np.abs(written - 255 * expected).max() <= 1
    assert not same(here / "0.png", here / "3.png")


def test_a_session_is_replayed_where_there_is_no_qt(native, here):
    from explorer.formats import open_latent
    from explorer.gui.sessions.session_file import Moment, describe
    from explorer.gui.state import State, frozen_code

    state = State(open_latent(native), "z", frozen_code(np.zeros(10)), np.zeros(10, bool))
    (here / "my.session.json").write_text(describe(Moment(state), here))
    code = (
        "import sys; sys.modules['PySide6'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from explorer.cli import main; main(['replay', 'my.session.json'])"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    ended = subprocess.run(command, cwd=here, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert (here / "my replayed.png").is_file()


# ---- what a recipe carries of how the networks were read and run ----


def test_hints_ride_along_and_those_given_go_before_them(done, checkpoint, here):
    call = ("export", "samples", checkpoint, "--count", 3, "--scale", 1)
    done(*call, "--out", "plain.png")
    done(*call, "--hint", "range=-300..900", "--out", "a.png")
    assert not same("plain.png", "a.png")
    assert recipe_in(here / "a.png").model.hints == {"range": "-300..900"}
    assert "same pixels" in done("replay", "a.png", "--model", checkpoint).err
    assert recipe_in(here / "a replayed.png").model.hints == {"range": "-300..900"}
    said = done("replay", "a.png", "--model", checkpoint, "--hint", "range=0..500", "--out", "b.png").err
    assert "differs from a.png" in said
    assert recipe_in(here / "b.png").model.hints == {"range": "0..500"}
    assert "same pixels" in done("replay", "b.png", "--model", checkpoint).err


def test_hints_beside_a_checkpoint_or_stage_ride_along(done, checkpoint, colorizer, here, tmp_path):
    stage = Path(shutil.copy(colorizer, tmp_path / "models" / "colours.safetensors"))
    beside = [path.with_name(f"{path.stem}.hints.json") for path in (checkpoint, stage)]
    done("export", "samples", checkpoint, "--count", 3, "--stage", stage, "--out", "plain.png")
    for path, ends in zip(beside, ("[-300, 900]", "[-3, 5.5]"), strict=True):
        path.write_text(f'{{"range": {ends}}}')
    done("export", "samples", checkpoint, "--count", 3, "--stage", stage, "--out", "a.png")
    assert not same("plain.png", "a.png")
    used = recipe_in(here / "a.png")
    assert (used.model.hints, used.stages[0].hints) == ({"range": "-300..900"}, {"range": "-3..5.5"})
    for path in beside:
        path.unlink()
    given = ("--model", checkpoint, "--stage", stage)
    assert "same pixels" in done("replay", "a.png", *given).err
    for path in beside:  # what is said there since is nothing to a recipe
        path.write_text('{"range": [-5, 5]}')
    assert "same pixels" in done("replay", "a.png", *given).err
    assert "same pixels" in done("replay", "plain.png", *given).err


def test_hints_of_a_recipe_say_nothing_of_another_model(done, checkpoint, here, tmp_path):
    from calls import save_random

    other = save_random(tmp_path / "other.safetensors", "fc-vae")
    done("export", "samples", other, "--count", 3, "--out", "other.png")
    done("export", "samples", checkpoint, "--count", 3, "--hint", "range=0..9", "--out", "a.png")
    assert "is another one" in done("replay", "a.png", "--model", other).err
    assert recipe_in(here / "a replayed.png").model.hints == {}


def test_precision_rides_along_unless_told_otherwise(done, here, monkeypatch):
    from explorer.render import renderer

    used = []
    make = renderer.Renderer.__init__

    def spy(self, *args, **named):
        used.append(named["precision"])
        make(self, *args, **named)

    monkeypatch.setattr(renderer.Renderer, "__init__", spy)
    done("export", "samples", "anime-faces", "--count", 3, "--precision", "fast", "--out", "a.png")
    assert recipe_in(here / "a.png").precision == "fast"
    assert "same pixels" in done("replay", "a.png").err
    assert recipe_in(here / "a replayed.png").precision == "fast"
    done("replay", "a.png", "--precision", "exact", "--out", "b.png")
    assert recipe_in(here / "b.png").precision == "exact"
    done("replay", "b.png")
    assert used == ["fast", "fast", "exact", "exact"]


def test_a_damaged_file_of_hints_gives_way_to_what_is_said_in_the_call(call, done, checkpoint, here):
    beside = checkpoint.with_name("faces.hints.json")
    beside.write_text('{"image": [1, Infinity, 1]}')
    call("info", checkpoint).refused("faces.hints.json: The hint image cannot be")
    assert "was left out" in done("info", checkpoint, "--hint", "image=1x30x30").out
    beside.write_text("{")
    said = done("export", "samples", checkpoint, "--count", 1, "--hint", "range=0..1", "--out", "a.png").err
    assert said.startswith("Note: The hints beside the checkpoint were left out")


# ---- what came of it ----


def test_check_makes_what_differs_an_exit_status(call, done, native, picture, checkpoint, here, tmp_path):
    from calls import save_random

    assert "same pixels" in done("replay", picture, "--model", checkpoint, "--check").err
    other = save_random(tmp_path / "other.safetensors", "fc-vae")
    outcome = call("replay", picture, "--model", other, "--check", "--out", "b.png")
    assert outcome.status == 3
    assert outcome.err.splitlines()[-1].startswith("b.png differs from")
    assert (here / "b.png").exists()
    done("replay", picture, "--model", other)
    (here / "cut.png").write_bytes(picture.read_bytes()[:-30])
    call("replay", "cut.png", "--model", checkpoint, "--check").refused("could not be compared with cut.png")
    done("replay", "cut.png", "--model", checkpoint)
    call("replay", "my.session.json", "--check").refused("--check", status=2)


def test_a_name_that_somebody_uses_is_not_taken(done, picture, checkpoint, here):
    (here / "a replayed.png").write_text("mine")
    done("replay", picture, "--model", checkpoint)
    done("replay", picture, "--model", checkpoint)
    assert (here / "a replayed.png").read_text() == "mine"
    assert same(here / "a replayed 2.png", picture)
    assert same(here / "a replayed 3.png", picture)
    done("replay", picture, "--model", checkpoint, "--out", "a replayed.png")
    assert same(here / "a replayed.png", picture)


def rewritten(source, target, **entries):
    """Save a picture with other entries in its recipe."""
    with Image.open(source) as image:
        value = json.loads(image.text["latent-explorer"]) | entries
        texts = PngInfo()
        texts.add_text("latent-explorer", json.dumps(value))
        image.save(target, pnginfo=texts)
    return target


def test_what_a_recipe_asks_in_vain_is_the_files_fault(call, picture, checkpoint, here):
    for entries, word in (
        ({"space": "w"}, "faces has no space w; give the model it was made with by --model"),
        ({"options": {"psi": 0.5}}, "faces does not use the option psi (it uses: none); give"),
        ({"style": {"scale": 256, "margin": 4096}, "settings": {"count": 4, "seed": 0}}, ""),
        (
            {"style": {"scale": 256, "gap": 4096, "margin": 4096}},
            "more than 400 million; export the picture anew",
        ),
    ):
        rewritten(picture, here / "b.png", **entries)
        outcome = call("replay", "b.png", "--model", checkpoint, "--out", "c.png")
        if word:
            outcome.refused("The recipe in b.png cannot be followed", word)
    rewritten(picture, here / "b.png", style={"scale": 256, "gap": 2000})
    call("replay", "b.png", "--model", checkpoint, "--out", "c.webp").refused("; write a .png, or export")
    call("replay", "b.png", "--model", checkpoint, "--hint", "colour=red").refused("colour", status=2)


def test_an_entry_of_the_recent_ones_that_is_no_path_does_no_harm(
    call, done, picture, checkpoint, own_settings
):
    place = own_settings / "xdg_state_home" / "latent-explorer" / "recent.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    sha256 = recipe_in(picture).model.sha256
    entry = {"kind": "model", "path": "/tmp/\ud800.pth", "name": "faces", "sha256": sha256}
    place.write_text(json.dumps({"format": 1, "entries": [entry]}))
    call("replay", picture).refused("give it by --model")
