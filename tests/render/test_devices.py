"""Which devices there are; a machine without a GPU says so in a sentence."""

import os
import sys
import threading

import pytest
import torch

from explorer.errors import DeviceError
from explorer.render import devices
from explorer.render.renderer import Renderer


def test_the_cpu_is_always_there_and_auto_is_the_best():
    found = devices.available()
    assert found[0] == "cpu"
    assert devices.pick("auto") == found[-1]
    assert devices.pick("cpu") == "cpu"
    assert devices.describe("cpu") == "CPU float32"


def test_a_device_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"cuda is not available .*choose one of: auto, cpu"):
        devices.pick("cuda")
    with pytest.raises(DeviceError, match="choose auto, cpu, cuda or mps"):
        devices.pick("quantum")
    renderer = Renderer("cpu")
    with pytest.raises(DeviceError):
        renderer.set_device("cuda", "fast")
    assert (renderer.device, renderer.precision) == ("cpu", "exact")


def test_exact_computes_in_float32_everywhere():
    assert {devices.number_type(name, "exact") for name in ("cpu", "cuda", "mps")} == {"float32"}
    assert devices.number_type("cuda", "fast") == "float16"


def test_preloading_torch_needs_no_torch(tmp_path, monkeypatch):
    devices.preload_torch()  # it is there already
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    devices.preload_torch()


def test_the_machine_is_described():
    assert "torch" in devices.describe_machine()


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of one thread, which others inherit")
def test_a_thread_gives_way_with_those_it_begins_and_nobody_else_does(monkeypatch):
    monkeypatch.setattr(devices, "NICE", 10)
    found = []

    def look():
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def decode():
        devices.lower_thread_priority()
        look()
        begun = threading.Thread(target=look)
        begun.start()
        begun.join()

    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
    look()
    usual = found.pop()
    assert found == [min(usual + devices.NICE, 19)] * 2
