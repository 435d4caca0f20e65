"""Faces into a folder: aligned, by the box, by the centre; the table; names; what is broken, empty, stopped."""

import csv
import zipfile

import numpy as np
import pytest
from drawn_faces import GROUND, Found, eyes_at, scene, write_film
from PIL import Image

from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces.alignment import Face, eyes_in_crop
from explorer.faces.finding import cascades
from explorer.faces.preparing import Wish, prepare

PLACE = (40, 20)
FACE = Face((57, 44, 125, 125), eyes_at(PLACE))


def untold(fraction, text):
    """Listen to nothing."""


def never():
    return False


def prepared(source, out, finder=None, progress=untold, should_stop=never, **wish):
    return prepare(source, out, Wish(**wish), finder, progress, should_stop)


def table(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


@pytest.fixture
def photos(tmp_path):
    """A folder with a face, two faces, none, and a file that is broken."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    scene().save(folder / "anna.png")
    scene((400, 200), [(20, 20), (220, 20)]).save(folder / "trip" / "both.jpg", quality=95)
    Image.new("RGB", (60, 40), GROUND).save(folder / "wall.png")
    (folder / "torn.png").write_bytes((folder / "anna.png").read_bytes()[:900])
    return folder


def test_faces_of_photographs_are_aligned_by_their_eyes(photos, tmp_path):
    pytest.importorskip("cv2")
    out = tmp_path / "out"
    made = prepared(photos, out, cascades(), size=96)
    names = ["anna-1.png", "faces.csv", "trip-both-1.png", "trip-both-2.png", "wall-1.png"]
    assert files(out) == names
    assert made.counts == {"aligned": 3, "face without eyes": 0, "centre crop": 1}
    assert (made.faceless, made.broken, made.looked) == (["wall.png"], ["torn.png"], 3)
    for name in ("anna-1.png", "trip-both-1.png", "trip-both-2.png"):
        pixels = np.asarray(opened(out / name).convert("L"))
        assert pixels.shape == (96, 96)
        for wanted in eyes_in_crop():
            x, y = (round(96 * place) for place in wanted)
            near = pixels[y - 3 : y + 4, x - 3 : x + 4]
            assert near.min() < 60  # a pupil


def test_the_table_tells_how_each_was_cut(photos, tmp_path):
    out = tmp_path / "out"
    prepared(photos, out, Found(FACE, Face((10, 10, 30, 30))))
    rows = table(out)
    assert [row["file"] for row in rows][:2] == ["anna-1.png", "anna-2.png"]
    assert [row["how"] for row in rows][:2] == ["aligned", "face without eyes"]
    assert (rows[0]["source"], rows[0]["seconds"]) == ("anna.png", "")
    eyes = [float(rows[0][f"{side}_eye_{axis}"]) for side in ("left", "right") for axis in "xy"]
    assert eyes == pytest.approx([value for eye in eyes_at(PLACE) for value in eye], abs=0.05)
    assert [rows[1][column] for column in ("left", "top", "width", "height", "left_eye_x")] == [
        "10", "10", "30", "30", "",
    ]  # fmt: skip


def test_the_table_serves_as_labels_of_the_pictures(photos, tmp_path):
    from explorer.data.labels import read_labels

    prepared(photos, tmp_path / "out", Found(FACE))
    assert (
        list(read_labels(tmp_path / "out" / "faces.csv", ("anna-1.png", "wall-1.png"))["how"])
        == ["aligned"] * 2
    )


def test_without_a_finder_centres_are_taken(photos, tmp_path):
    made = prepared(photos, tmp_path / "out", size=20)
    assert made.counts == {"aligned": 0, "face without eyes": 0, "centre crop": 3}
    assert made.faceless == []  # none was looked for
    assert opened(tmp_path / "out" / "wall-1.png").size == (20, 20)
    assert {row["how"] for row in table(tmp_path / "out")} == {"centre crop"}


def test_a_face_keeps_its_eyes_in_place_at_any_size(tmp_path):
    scene().save(tmp_path / "anna.png")
    prepared(tmp_path / "anna.png", tmp_path / "out", Found(FACE), size=64, margin=0.4)
    pixels = np.asarray(opened(tmp_path / "out" / "anna-1.png").convert("L")).astype(float)
    for x, y in eyes_in_crop(0.4):
        near = 255 - pixels[round(64 * y) - 4 : round(64 * y) + 4, round(64 * x) - 4 : round(64 * x) + 4]
        dark = near**6  # the pupil
        across = (dark.sum(0) * np.arange(0.5, 8)).sum() / dark.sum()
        assert round(64 * x) - 4 + across == pytest.approx(64 * x, abs=1)


def test_pictures_without_a_face_may_be_left_out(photos, tmp_path):
    pytest.importorskip("cv2")
    made = prepared(photos, tmp_path / "out", cascades(), centres=False)
    assert made.counts["centre crop"] == 0
    assert any("No face was found in 1 (wall.png); left out." in note for note in made.notes())


def test_a_zip_and_arrays_are_read_too(photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(photos / "anna.png", "/outside.png")
        archive.write(photos / "wall.png", "a/wall.png")
    prepared(tmp_path / "photos.zip", tmp_path / "out")
    assert files(tmp_path / "out") == ["a-wall-1.png", "faces.csv", "outside-1.png"]
    np.savez(tmp_path / "grey.npz", images=np.full((2, 9, 7), 5, np.uint8))
    prepared(tmp_path / "grey.npz", tmp_path / "more", size=8)
    assert files(tmp_path / "more") == ["0-1.png", "1-1.png", "faces.csv"]
    assert opened(tmp_path / "more" / "0-1.png").mode == "L"


def test_frames_of_a_video_at_a_pace(tmp_path):
    pytest.importorskip("av")
    film = write_film(tmp_path / "film.mp4", [scene()] * 12, rate=5, sound=None)
    made = prepared(film, tmp_path / "out", Found(FACE), every=1.0)
    assert files(tmp_path / "out") == [
        "faces.csv", "film-00000.000s-1.png", "film-00001.000s-1.png", "film-00002.000s-1.png",
    ]  # fmt: skip
    assert [row["seconds"] for row in table(tmp_path / "out")] == ["0.0", "1.0", "2.0"]
    assert made.looked == 3
    assert prepared(film, tmp_path / "all", every=0.0).looked == 12


def test_no_more_than_wished_for(photos, tmp_path):
    assert len(prepared(photos, tmp_path / "out", Found(FACE), most=2).table) == 2
    assert len(files(tmp_path / "out")) == 3


def test_a_folder_that_holds_something_is_left_alone(photos, tmp_path):
    with pytest.raises(UsageError, match="holds files already"):
        prepared(photos, photos)
    with pytest.raises(UsageError, match="is a file"):
        prepared(photos, photos / "anna.png")


def test_an_empty_folder_is_filled(photos, tmp_path):
    (tmp_path / "out").mkdir()
    assert prepared(photos, tmp_path / "out").table


@pytest.mark.parametrize("content", [{}, {"notes.txt": b"hello"}])
def test_nothing_to_read_is_one_sentence_and_makes_no_folder(tmp_path, content):
    folder = tmp_path / "empty"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    with pytest.raises(ImageError, match="holds no picture"):
        prepared(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_face_at_all_where_centres_are_not_wanted(photos, tmp_path):
    with pytest.raises(ImageError, match="--centre"):
        prepared(photos, tmp_path / "out", Found(), centres=False)
    assert not (tmp_path / "out").exists()


def test_stopped_it_leaves_whole_pictures_and_their_table(photos, tmp_path):
    told = []

    def progress(fraction, text):
        told.append((fraction, text))

    with pytest.raises(Cancelled):
        prepared(photos, tmp_path / "out", Found(FACE), progress, lambda: len(told) == 2)
    assert files(tmp_path / "out") == ["anna-1.png", "faces.csv"]
    assert len(table(tmp_path / "out")) == 1
    assert opened(tmp_path / "out" / "anna-1.png").size == (64, 64)
    assert told == sorted(told)


def test_a_place_that_cannot_be_made_is_one_sentence(photos):
    with pytest.raises(OutputError, match="cannot be made"):
        prepared(photos, photos / "anna.png" / "out")
