"""Videos in and out: times, size, rate and sound stay; odd sizes, variable rates, turned ones, damaged ones."""

import struct
from pathlib import Path

import numpy as np
import pytest
from drawn_faces import read_film, write_film
from PIL import Image

from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces.films import rewritten
from explorer.faces.video import frames

pytest.importorskip("av", reason='videos need PyAV: pip install "latent-explorer[video]"')

UNEVEN = [0, 70, 200, 260, 410, 500, 520, 700, 800, 910]


def pictures(count=20, size=(64, 48)):
    """Return pictures with a bright block that moves to the right."""
    made = []
    for number in range(count):
        image = Image.new("RGB", size, (40, 90, 120))
        image.paste((230, 60, 50), (2 * number, 10, 2 * number + 12, 22))
        made.append(image)
    return made


def untold(fraction, text):
    """Listen to nothing."""


def never():
    return False


def again(path, out, change=lambda pixels: None, progress=untold, should_stop=never):
    return rewritten(path, out, change, progress, should_stop)


def left(folder):
    """Return the names of all files, hidden ones as well."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_times_size_rate_and_sound_stay_as_they_were(tmp_path, suffix):
    film = write_film(tmp_path / f"film{suffix}", pictures())
    out = tmp_path / f"out{suffix}"
    assert again(film, out, lambda pixels: 255 - pixels) == 20
    old, new = read_film(film), read_film(out)
    for fact in ("size", "rate", "base", "length", "times", "sound"):
        assert new[fact] == old[fact], fact
    assert len(new["sound"]) > 80
    assert (new["codec"], new["format"]) == ("h264", "yuv420p")
    assert np.abs(255 - new["pixels"].astype(int) - old["pixels"]).mean() < 4


def test_frames_that_stay_are_the_same_frames(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures())
    seen = []

    def change(pixels):
        seen.append(pixels)
        return np.zeros_like(pixels) if len(seen) == 5 else None

    again(film, tmp_path / "out.mp4", change)
    old, new = read_film(film)["pixels"].astype(int), read_film(tmp_path / "out.mp4")["pixels"].astype(int)
    assert np.array_equal(seen[7], old[7])
    assert new[4].max() < 20
    assert np.abs(np.delete(new, 4, 0) - np.delete(old, 4, 0)).mean() < 1


def test_a_variable_rate_keeps_its_times(tmp_path):
    film = write_film(tmp_path / "film.mkv", pictures(10), times=UNEVEN)
    again(film, tmp_path / "out.mkv")
    assert read_film(tmp_path / "out.mkv")["times"] == read_film(film)["times"] == UNEVEN


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (63, 48)])
def test_odd_sides_stay_odd(tmp_path, size):
    film = write_film(tmp_path / "film.mkv", pictures(4, size), pix_fmt="yuv444p")
    again(film, tmp_path / "out.mp4", lambda pixels: pixels)
    new = read_film(tmp_path / "out.mp4")
    assert (new["size"], new["format"], len(new["times"])) == (size, "yuv444p", 4)


def test_without_sound(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(5), sound=None)
    again(film, tmp_path / "out.mp4")
    assert read_film(tmp_path / "out.mp4")["sound"] == []


# What a phone writes into the header of a track (ISO 14496-12): a, b, u, c, d, v, x, y, w; here for 64x48.
TURNS = {
    90: (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30),  # clockwise
    180: (-(1 << 16), 0, 0, 0, -(1 << 16), 0, 64 << 16, 48 << 16, 1 << 30),
    270: (0, -(1 << 16), 0, 1 << 16, 0, 0, 0, 64 << 16, 1 << 30),
}


@pytest.mark.parametrize("angle", TURNS)
def test_a_turned_video_is_seen_and_written_upright(tmp_path, angle):
    film = write_film(tmp_path / "film.mp4", pictures(3), sound=None)
    straight = read_film(film)["pixels"][0]
    data = bytearray(film.read_bytes())
    place = data.find(b"tkhd") + 44  # version, times, number, length, 8 reserved, layer, group, volume
    data[place : place + 36] = struct.pack(">9i", *TURNS[angle])
    film.write_bytes(data)
    upright = np.rot90(straight, -angle // 90)
    shown = next(frames(film, 0)).pixels
    assert np.array_equal(shown, upright)
    again(film, tmp_path / "out.mp4")
    new = read_film(tmp_path / "out.mp4")["pixels"][0]
    assert np.abs(new.astype(int) - upright).mean() < 5


def test_some_frames_by_their_time(tmp_path):
    film = write_film(tmp_path / "film.mkv", pictures(10), times=UNEVEN, sound=None)
    assert [round(1000 * frame.seconds) for frame in frames(film, 0.25)] == [0, 260, 520, 800]
    assert len(list(frames(film, 0))) == 10
    shares = [frame.done for frame in frames(film, 0)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_stopped_it_leaves_nothing(tmp_path, suffix):
    film = write_film(tmp_path / f"film{suffix}", pictures())
    told = []
    with pytest.raises(Cancelled):
        again(
            film,
            tmp_path / f"out{suffix}",
            progress=lambda *now: told.append(now),
            should_stop=lambda: len(told) > 8,
        )
    assert left(tmp_path) == [film.name]
    assert told == sorted(told)


def test_an_error_of_the_caller_leaves_the_old_file(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(4))
    (tmp_path / "out.mp4").write_bytes(b"old")

    def change(pixels):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(film, tmp_path / "out.mp4", change)
    assert (tmp_path / "out.mp4").read_bytes() == b"old"
    assert left(tmp_path) == ["film.mp4", "out.mp4"]


def cut(data):
    return data[: len(data) // 2]


def scratched(data):
    rng, data = np.random.default_rng(0), bytearray(data)
    for place in rng.integers(100, len(data) // 3, 200):
        data[place] ^= 255
    return bytes(data)


@pytest.mark.parametrize("damage", [cut, scratched, lambda data: b"", lambda data: b"hello"])
def test_a_damaged_video_is_one_sentence_and_leaves_nothing(tmp_path, damage):
    film = write_film(tmp_path / "film.mp4", pictures())
    film.write_bytes(damage(film.read_bytes()))
    with pytest.raises(ImageError, match=r"film\.mp4 is (neither|a video that is cut off).*\.$"):
        again(film, tmp_path / "out.mp4")
    with pytest.raises(ImageError, match=r"film\.mp4"):
        list(frames(film, 0))
    assert left(tmp_path) == ["film.mp4"]


def test_sound_alone_is_no_video(tmp_path):
    import av

    with av.open(str(tmp_path / "tone.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(ImageError, match=r"tone\.wav"):
        again(tmp_path / "tone.wav", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfilm.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile film.mp4\n",
    ],
)
def test_a_list_that_names_other_files_is_no_video(tmp_path, text):
    write_film(tmp_path / "film.mp4", pictures(3))
    for name in ("list.m3u8", "list.mp4", "list.txt"):
        (tmp_path / name).write_text(text)
        with pytest.raises(ImageError, match="neither a picture nor a video"):
            again(tmp_path / name, tmp_path / "out.mp4")


@pytest.mark.parametrize("name", ["a: 100%d [x]?.mp4", "concat:film.mp4", "pipe:0.mp4", "-.mp4"])
def test_a_name_with_signs_that_libav_knows(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "film.mp4", pictures(3)).rename(tmp_path / name)
    assert again(Path(name), Path("concat:out.mp4")) == 3
    assert left(tmp_path) == sorted((name, "concat:out.mp4"))


def test_a_kind_that_is_not_written(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(3))
    with pytest.raises(UsageError, match=r"\.mkv"):
        again(film, tmp_path / "out.avi")


def test_sound_that_the_kind_cannot_hold(tmp_path):
    film = write_film(tmp_path / "film.mkv", pictures(3), sound="libopus")
    with pytest.raises(UsageError, match=r"cannot hold the sound of .*opus.*\.mkv"):
        again(film, tmp_path / "out.mov")
    assert left(tmp_path) == ["film.mkv"]


def test_a_place_that_is_not_there(tmp_path):
    film = write_film(tmp_path / "film.mp4", pictures(3))
    with pytest.raises(OutputError, match="no such file"):
        again(film, tmp_path / "no" / "out.mp4")


def test_without_the_extra_one_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UsageError, match=r'pip install "latent-explorer\[video\]"'):
        next(frames(tmp_path / "film.mp4", 0))
