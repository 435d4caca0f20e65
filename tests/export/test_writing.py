"""Pictures, films and arrays into files."""

import contextlib
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer.errors import OutputError, UsageError
from explorer.export import writing
from explorer.export.layout import enlarge, to_image

RANDOM = np.random.default_rng(0)
TEXT = json.dumps({"latent-explorer": "recipe", "name": "顔 & <b> ]]> \"'\n"})


@pytest.fixture
def reopened():
    """Opens pictures and closes them at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda path: stack.enter_context(Image.open(path))


def frames(channels, count=4):
    return [
        to_image(frame) for frame in enlarge(RANDOM.integers(0, 256, (count, 16, 16, channels), np.uint8), 2)
    ]


@pytest.mark.parametrize(("suffix", "channels"), [("png", 3), ("png", 1), ("webp", 3), ("gif", 1)])
def test_a_picture_comes_back_with_every_pixel(tmp_path, reopened, suffix, channels):
    image = frames(channels, 1)[0]
    writing.save_pages([image], tmp_path / f"a.{suffix}", TEXT)
    assert np.array_equal(np.asarray(reopened(tmp_path / f"a.{suffix}").convert("RGB")), image.convert("RGB"))


@pytest.mark.parametrize(("suffix", "channels"), [("webp", 3), ("webp", 1), ("gif", 1)])
def test_a_film_comes_back_frame_by_frame(tmp_path, reopened, suffix, channels):
    made = frames(channels)
    writing.save_pages(made, tmp_path / f"a.{suffix}", TEXT, [700, 90, 90, 700])
    film = reopened(tmp_path / f"a.{suffix}")
    assert film.n_frames == 4
    assert film.info["loop"] == 0
    durations = []
    for index, frame in enumerate(made):
        film.seek(index)
        assert np.array_equal(np.asarray(film.convert("RGB")), frame.convert("RGB")), index
        durations.append(film.info["duration"])
    assert durations == [700, 90, 90, 700]


def test_colours_of_a_gif_are_close(tmp_path, reopened):
    ramp = np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).astype(np.uint8) * 4
    picture = np.concatenate([ramp, ramp[..., :1]], axis=-1)
    writing.save_pages([to_image(picture), to_image(picture[::-1])], tmp_path / "a.gif", durations=[90, 90])
    shown = np.asarray(reopened(tmp_path / "a.gif").convert("RGB"), np.float32)
    assert np.abs(shown - picture).mean() < 12


def test_the_recipe_rides_in_the_file(tmp_path, reopened):
    image = frames(1, 1)[0]
    for suffix in ("png", "webp", "gif"):
        writing.save_pages([image], tmp_path / f"a.{suffix}", TEXT)
    assert reopened(tmp_path / "a.png").text["latent-explorer"] == TEXT
    assert reopened(tmp_path / "a.gif").info["comment"] == TEXT.encode()
    packet = ElementTree.fromstring(reopened(tmp_path / "a.webp").info["xmp"])
    assert "".join(packet.itertext()) == TEXT


@pytest.mark.parametrize(
    "array",
    [np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.zeros((0, 3), np.float32), np.eye(3)[:, ::2]],
    ids=["plain", "empty", "strided"],
)
def test_an_array_comes_back(tmp_path, array):
    writing.save_array(array, tmp_path / "a.npy")
    found = np.load(tmp_path / "a.npy")
    assert np.array_equal(found, array)
    assert found.dtype == array.dtype


FULL_DISK = """
import resource, sys
import numpy as np
from PIL import Image
from explorer.errors import OutputError
from explorer.export import writing

noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
for path in sys.argv[1:]:
    try:
        if path.endswith("npy"):
            writing.save_array(noise, path)
        else:
            writing.save_pages([Image.fromarray(noise)], path)
    except OutputError as error:
        print(error)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path):
    names = ["a.gif", "a.npy", "a.png", "a.webp"]
    for name in names:
        (tmp_path / name).write_text("old")
    command = [sys.executable, "-c", FULL_DISK, *names]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout.count("could not be written (file too large)") == len(names), done.stdout
    assert [(tmp_path / name).read_text() for name in names] == ["old"] * len(names)
    assert sorted(os.listdir(tmp_path)) == names


def test_what_cannot_be_written_is_found_out_before(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match=r"\.png"):
        writing.check_target(tmp_path / "a.bmp", writing.STILLS)
    with pytest.raises(OutputError, match="no folder"):
        writing.check_target(tmp_path / "none" / "a.png")
    with pytest.raises(OutputError, match="is a folder"):
        writing.check_target(tmp_path / "folder.png")
    with pytest.raises(UsageError, match=r"\.gif or \.webp"):
        writing.save_pages(frames(1), tmp_path / "a.png", durations=[90] * 4)
    writing.check_target(tmp_path / "A.PNG", writing.STILLS)


@pytest.mark.parametrize(("suffix", "most"), [("webp", 16_383), ("gif", 65_535)])
def test_a_side_that_the_format_cannot_say_is_refused(tmp_path, suffix, most):
    path = tmp_path / f"a.{suffix}"
    path.write_text("old")
    with pytest.raises(UsageError, match=f"{most + 1}x1 pixels.*write a .png"):
        writing.save_pages([Image.new("L", (most + 1, 1))], path)
    assert path.read_text() == "old"
    writing.save_pages([Image.new("L", (most, 1))], path)
    with Image.open(path) as image:
        assert image.size == (most, 1)


def test_a_device_is_no_file_to_replace_and_a_link_stays_a_link(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="no ordinary file"):
        writing.save_array(np.zeros(3), pipe)
    assert pipe.is_fifo()
    link, file = tmp_path / "link.npy", tmp_path / "file.npy"
    file.write_text("old")
    link.symlink_to(file)
    writing.save_array(np.arange(3.0), link)
    assert link.is_symlink()
    assert np.load(file).tolist() == [0, 1, 2]
