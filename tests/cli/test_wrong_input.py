"""Wrong calls, wrong files, places that cannot be written: one sentence, an exit status, nothing lost."""

import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from calls import Outcome, save_random
from PIL import Image

from explorer.export.recipe import MOST_SEED

ROOT = Path(__file__).resolve().parent.parent.parent


# ---- wrong calls ----


@pytest.mark.parametrize(
    "args",
    [
        ["decode", "--nonsense"],
        ["decode", "{native}"],
        ["export", "nothing", "{native}"],
        ["export", "samples", "{native}", "--out", "a.png", "--count", "0"],
        ["export", "samples", "{native}", "--out", "a.png", "--seed", str(MOST_SEED + 1)],
        ["export"],
        ["export", "samples", "{native}", "--out", "a.png", "--device", "abacus"],
        ["{native}", "surplus"],
    ],
)
def test_wrong_calls_show_the_usage(call, native, args):
    outcome = call(*[arg.format(native=native) for arg in args])
    assert outcome.status == 2
    assert "Usage: latent-explorer" in outcome.err
    assert "Traceback" not in outcome.err
    assert not outcome.out


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["samples", "--psi", "0.7"], "psi"),
        (["samples", "--space", "w"], "space w"),
        (["samples", "--hint", "architecture"], "KEY=VALUE"),
        (["samples", "--hint", "colour=red"], "colour"),
        (["manifold", "--dims", "0,10"], "0 to 9"),
        (["manifold", "--dims", "3,3"], "different"),
        (["map", "--plane", "umap"], "--plane umap"),
        (["map", "--plane", "1,1"], "different"),
        (["map", "--colour", "hair"], "encode --labels"),
        (["sheet", "--background", "red"], "--background red"),
        (["strip"], "--images"),
    ],
)
def test_options_that_make_no_sense_here(call, native, tmp_path, args, word):
    call("export", args[0], native, *args[1:], "--out", tmp_path / "a.png").refused(word, status=2)
    call("export", args[0], native, *args[1:], "--out", tmp_path / "a.bmp").refused(status=2)
    assert not list(tmp_path.iterdir())


def test_every_command_has_an_example(call):
    commands = ["info", "activity", "decode", "encode", "apply", "train", "bench", "replay"]
    commands += ["prepare faces", "swap"]
    kinds = ("picture", "strip", "sheet", "manifold", "samples", "reconstructions", "map")
    commands += [f"export {kind}" for kind in kinds]
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


def test_an_empty_name_is_not_the_current_folder(call, native, tmp_path):
    call("encode", native, "", "--out", tmp_path / "a.npz").refused("is empty", status=2)


def test_an_empty_npz_is_not_called_damaged(call, native, tmp_path):
    np.savez(tmp_path / "z.npz")
    out = call("decode", native, "--latents", tmp_path / "z.npz", "--out", tmp_path / "o.npy")
    assert out.refused("has none of the arrays", "it has: none")


def test_a_truncated_checkpoint(call, vaeg, tmp_path):
    whole = vaeg.read_bytes()
    for size in (10, 30, 100, len(whole) // 2, len(whole) - 10):
        (tmp_path / "cut.pth").write_bytes(whole[:size])
        call("info", tmp_path / "cut.pth").refused("cut.pth is cut off")


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


def test_a_network_of_nothing_but_nan_is_said_everywhere(call, done, weights, two_faces, tmp_path):
    import torch

    path = save_weights(
        tmp_path / "nan.pth", {key: torch.full_like(value, torch.nan) for key, value in weights.items()}
    )
    refusal = call("encode", path, two_faces[0], "--out", tmp_path / "o.npz")
    assert refusal.refused("1 of 1 picture are not numbers", "no code book was written")
    assert not (tmp_path / "o.npz").exists()
    outcome = done("activity", path, "--json")
    assert not any(row["active"] for row in outcome.json)
    assert "10 of 10 dimensions could not be measured" in outcome.err


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
    call("export", "samples", native, *two, "--out", tmp_path / "o.png").refused("3x30x30", "1x(any size)")


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


def test_every_command_says_the_same_of_a_target(call, native, faces, colorizer, tmp_path):
    commands = {
        "npy": [
            ["decode", native, "--latents", faces / "reference.npz"],
            ["apply", colorizer, faces / "gray.npz"],
        ],
        "npz": [["encode", native, faces / "gray.npz"]],
        "png": [["export", "samples", native], ["export", "sheet", native]],
    }
    for kind, calls in commands.items():
        for command in calls:
            call(*command, "--out", tmp_path).refused("is a folder; give the name of a file in it")
            for name in ("x", "x.jpg"):
                call(*command, "--out", tmp_path / name).refused(f".{kind}", status=2)
    strip = ["export", "strip", native, "--codes", "a.npy", "--out", tmp_path / "a.png"]
    call(*strip, "--save-codes", tmp_path / "x.png").refused(".npy", status=2)
    assert not list(tmp_path.iterdir())


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


def test_a_bad_option_of_the_window_does_not_show_a_command_that_nobody_typed(call):
    outcome = call("--nope")
    assert outcome.status == 2
    assert "No such option: --nope" in outcome.err
    assert "latent-explorer open" not in outcome.err
