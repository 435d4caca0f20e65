"""The door to the window."""

import os
import socket

import pytest

from explorer.cli import window


@pytest.mark.skipif(os.name == "nt", reason="X and Wayland are not looked for")
def test_a_display_is_one_that_answers(tmp_path):
    assert not window.has_display({})
    assert not window.has_display({"DISPLAY": ":4711"})
    assert not window.has_display({"DISPLAY": "nonsense"})
    assert not window.has_display({"QT_QPA_PLATFORM": "xcb"})
    assert window.has_display({"QT_QPA_PLATFORM": "offscreen"})
    wayland = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert not window.has_display(wayland)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-9"))
        server.listen()
        assert window.has_display(wayland)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no local sockets")
def test_an_x_server_may_be_elsewhere():
    with socket.create_server(("localhost", 0)) as server:
        number = server.getsockname()[1] - 6000
        assert window.has_display({"DISPLAY": f"localhost:{number}.0"})
    assert not window.has_display({"DISPLAY": f"localhost:{number}.0"})
