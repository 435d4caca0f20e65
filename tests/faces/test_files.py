"""Swapped pictures as files: names, kinds, transparency, what the camera said; what has no face, what is broken."""

import io
import os

import numpy as np
import pytest
from drawn_faces import Found, eyes_at, read_film, scene, write_film
from PIL import Image

from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces.alignment import Face
from explorer.faces.files import swap_files
from explorer.faces.swapping import Blend, Swap

FACE = Face((57, 44, 125, 125), eyes_at((40, 20)))
MIDDLE = (100, 121)  # of that face, (y, x)


class Wide:
    """Finds the face in wide pictures, none in others."""

    def find(self, pixels):
        return [FACE] if pixels.shape[1] > pixels.shape[0] else []


def negative(faces):
    return 255 - faces


def untold(fraction, text):
    """Listen to nothing."""


def never():
    return False


def swapped(source, out, finder=None, progress=untold, should_stop=never):
    swap = Swap(negative, 64, finder or Wide(), Blend(colours=False))
    return swap_files(source, out, swap, progress, should_stop)


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    scene().save(folder / "anna.png")
    scene().save(folder / "trip" / "anna.jpg", quality=93)
    Image.new("RGB", (40, 60), (1, 2, 3)).save(folder / "wall.jpg", quality=40)
    (folder / "notes.txt").write_text("hello")
    return folder


def is_swapped(image, mode="RGB"):
    old = np.asarray(scene())[MIDDLE].astype(int)
    new = np.asarray(image.convert("RGB"))[MIDDLE].astype(int)
    return np.abs(new - (255 - old)).max() < 30


def test_a_folder_keeps_names_kinds_and_folders(photos, tmp_path):
    out = tmp_path / "out"
    made = swapped(photos, out)
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert names == ["anna.png", "trip/anna.jpg", "wall.jpg"]
    assert is_swapped(opened(out / "anna.png"))
    assert is_swapped(opened(out / "trip" / "anna.jpg"))
    assert opened(out / "trip" / "anna.jpg").format == "JPEG"
    assert (made.looked, made.faces, made.named, made.broken) == (3, 2, ["wall.jpg"], ["notes.txt"])
    assert list(made.notes()) == [
        f"{out}: 3 pictures, 2 faces drawn anew.",
        "No face was found in 1 (wall.jpg); copied unchanged.",
        "No picture could be read in 1 (notes.txt); left out.",
    ]


def test_without_a_face_the_file_is_copied_byte_by_byte(photos, tmp_path):
    swapped(photos, tmp_path / "out")
    assert (tmp_path / "out" / "wall.jpg").read_bytes() == (photos / "wall.jpg").read_bytes()


def test_transparency_stays(tmp_path):
    image = scene().convert("RGBA")
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    for name in ("a.png", "a.webp"):
        (tmp_path / "in").mkdir(exist_ok=True)
        image.save(tmp_path / "in" / name, lossless=True)
    swapped(tmp_path / "in", tmp_path / "out")
    for name in ("a.png", "a.webp"):
        new = opened(tmp_path / "out" / name)
        assert new.mode == "RGBA"
        assert np.array_equal(np.asarray(new)[..., 3], np.asarray(alpha))
        assert is_swapped(new)


def test_a_photo_taken_sideways_is_written_upright(tmp_path):
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a holiday"  # to be turned clockwise; a description
    scene().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "in" / "a.jpg", quality=97, exif=exif)
    swapped(tmp_path / "in", tmp_path / "out")
    new = opened(tmp_path / "out" / "a.jpg")
    assert new.size == (240, 200)
    assert is_swapped(new)
    assert new.getexif().get(0x0112, 1) == 1
    assert new.getexif()[0x010E] == "a holiday"


def test_profiles_and_grey_stay(tmp_path):
    (tmp_path / "in").mkdir()
    scene().convert("L").save(tmp_path / "in" / "grey.png")
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene().save(tmp_path / "in" / "profiled.jpg", icc_profile=profile)
    swapped(tmp_path / "in", tmp_path / "out")
    assert opened(tmp_path / "out" / "grey.png").mode == "L"
    assert opened(tmp_path / "out" / "profiled.jpg").info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.bmp", "a.bmp"),
        ("a.tif", "a.tif"),
        ("a.gif", "a.gif.png"),
        ("a.ppm", "a.ppm.png"),
        ("cmyk.jpg", "cmyk.jpg"),
    ],
)
def test_other_kinds(tmp_path, name, written):
    (tmp_path / "in").mkdir()
    image = scene().convert("CMYK") if "cmyk" in name else scene()
    image.save(tmp_path / "in" / name)
    swapped(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [written]
    opened(tmp_path / "out" / written)


def test_one_picture_becomes_one_picture(photos, tmp_path):
    swapped(photos / "anna.png", tmp_path / "new.jpg")
    assert opened(tmp_path / "new.jpg").format == "JPEG"
    swapped(photos / "wall.jpg", tmp_path / "wall.png")
    assert opened(tmp_path / "wall.png").format == "PNG"
    swapped(photos / "wall.jpg", tmp_path / "wall.jpg")
    assert (tmp_path / "wall.jpg").read_bytes() == (photos / "wall.jpg").read_bytes()


def test_a_film_with_sound(tmp_path):
    pytest.importorskip("av")
    shown = [scene() if number % 2 else Image.new("RGB", (240, 200), (90, 90, 90)) for number in range(8)]
    film = write_film(tmp_path / "film.mp4", shown)

    class Lit(Found):
        def find(self, pixels):
            return [FACE] if np.ptp(pixels) > 100 else []

    made = swapped(film, tmp_path / "out.mp4", Lit())
    old, new = read_film(film), read_film(tmp_path / "out.mp4")
    assert (made.looked, made.faces, made.faceless) == (8, 4, 4)
    assert (new["times"], new["sound"], new["size"]) == (old["times"], old["sound"], old["size"])
    assert is_swapped(Image.fromarray(new["pixels"][3]))
    assert np.abs(new["pixels"][4].astype(int) - 90).mean() < 4
    assert "No face was found in 4 frames; left unchanged." in made.notes()


def test_faces_are_held_still_in_films_alone(photos, tmp_path):
    pytest.importorskip("av")
    film = write_film(tmp_path / "film.mp4", [scene()] * 2, sound=None)
    swap = Swap(negative, 64, Wide(), Blend())
    swap_files(film, tmp_path / "out.mp4", swap, untold, never)
    assert swap.is_film
    swap_files(photos, tmp_path / "out", swap, untold, never)
    assert not swap.is_film


def test_out_of_another_kind_or_over_what_is_read_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match="written over"):
        swapped(photos / "anna.png", photos / "anna.png")
    with pytest.raises(UsageError, match="one picture"):
        swapped(photos / "anna.png", tmp_path / "out")
    with pytest.raises(UsageError, match="holds files already"):
        swapped(photos, photos)
    np.save(tmp_path / "a.npy", np.zeros(4))
    with pytest.raises(ImageError, match="unpack it"):
        swapped(tmp_path / "a.npy", tmp_path / "out")


def test_nothing_to_read_is_one_sentence(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ImageError, match="holds no picture"):
        swapped(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ImageError, match=r"broken\.jpg is neither a picture nor a video"):
        swapped(tmp_path / "broken.jpg", tmp_path / "out.jpg")


@pytest.mark.skipif(os.name != "posix", reason="needs limits of the system")
def test_a_full_disk_is_told_and_leaves_nothing(photos, tmp_path):
    import resource

    film = write_film(tmp_path / "film.mp4", [scene()] * 3)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        for source, out in ((film, "out.mp4"), (photos, "out")):
            with pytest.raises(OutputError, match=r"could not be written \(file too large\)"):
                swapped(source, tmp_path / out)
            assert not (tmp_path / out).exists()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_stopped_it_leaves_whole_pictures(photos, tmp_path):
    told = []
    with pytest.raises(Cancelled):
        swapped(photos, tmp_path / "out", None, lambda *now: told.append(now), lambda: len(told) == 1)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["anna.png"]
    assert opened(tmp_path / "out" / "anna.png").size == (240, 200)


def test_an_animation_becomes_its_first_frame(tmp_path):
    (tmp_path / "in").mkdir()
    scene().save(
        tmp_path / "in" / "a.webp", save_all=True, append_images=[scene().rotate(180)], lossless=True
    )
    swapped(tmp_path / "in", tmp_path / "out")
    new = opened(tmp_path / "out" / "a.webp")
    assert getattr(new, "n_frames", 1) == 1
    assert is_swapped(new)
    assert io.BytesIO((tmp_path / "out" / "a.webp").read_bytes()).read(4) == b"RIFF"
