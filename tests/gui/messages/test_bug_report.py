"""The report on a bug: what helps is in it, what says who the person is is not."""

import logging
import os
import sys
import sysconfig
import time
import traceback
from pathlib import Path

import pytest

from explorer import __version__, paths
from explorer.gui.messages import bug_report
from explorer.gui.messages.bug_report import LINES, LONGEST, RecentLog, private, report

SECRETS = ("jo", "smith", "anna", "王", "geheim", "laptop", "portrait", "faces")


@pytest.fixture(autouse=True)
def person(monkeypatch, tmp_path):
    """Jo Smith, whose home is a link, on jos-laptop."""
    real = tmp_path / "data" / "users" / "Jo Smith"
    real.mkdir(parents=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / "josmith").symlink_to(real)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home / "josmith"))
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "JoSmith")
    monkeypatch.setattr(bug_report.socket, "gethostname", lambda: "jos-laptop.local")
    monkeypatch.setattr(bug_report.platform, "node", lambda: "jos-laptop")
    return home / "josmith"


def leaks(text):
    """What of the person is left in a text."""
    return [secret for secret in SECRETS if secret in text.lower()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'/home/josmith/Anna faces/geheim one.pth'", "'<folder>/<file>.pth'"),
        ("read /home/josmith/Anna faces/geheim one.pth: it is empty", "read <folder>/<file>.pth: it is empty"),
        ("cannot read /home/josmith/Anna faces/geheim one.pth", "cannot read <folder>/<file>.pth"),
        ("/media/anna geheim/portrait could not be read; try another", "<folder>; try another"),
        ("/home/josmith/图片/王伟.png is grey", "<folder>/<file>.png is grey"),
        ("/home/josmith/anna.v1.5 final.safetensors failed", "<folder>/<file>.safetensors failed"),
        (r"C:\Users\Jo Smith\Anna\geheim.pth is empty", "<folder>/<file>.pth is empty"),
        (r"'C:\\Users\\Jo Smith\\Anna\\geheim.pth'", "'<folder>/<file>.pth'"),
        ("c:/users/josmith/anna.npz", "<folder>/<file>.npz"),
        (r"\\jos-laptop\anna faces\geheim.png is grey", "<folder>/<file>.png is grey"),
        (r"'\\\\jos-laptop\\anna faces\\geheim.png'", "'<folder>/<file>.png'"),
        (r"\\?\C:\Users\Jo Smith\geheim.ckpt", "<folder>/<file>.ckpt"),
        ("file:///home/josmith/anna%20faces/x.png", "<folder>/<file>.png"),
        ("~/anna faces/geheim.csv", "<folder>/<file>.csv"),
        ("PATH=/opt/anna:/home/josmith/bin", "PATH=<folder>"),
        ("(/home/josmith/geheim.json)", "(<folder>/<file>.json)"),
        ("\"/home/josmith/o'anna.pth\"", '"<folder>/<file>.pth"'),
        ("/srv/home/josmith2/anna.onnx", "<folder>/<file>.onnx"),
        ("geheim_anna.pth is empty; choose another file.", "<file>.pth is empty; choose another file."),
        ("'anna in geheim.png'", "'<file>.png'"),
        ("faces/anna.png", "<file>.png"),
        ("user josmith on JOS-LAPTOP", "user <user> on <host>"),
        ("josmith_backup of JOSMITH", "<user>_backup of <user>"),
        ("Path=PosixPath('/home/josmith/anna')", "Path=PosixPath('<folder>')"),
    ],
)  # fmt: skip
def test_no_path_user_or_host_stays(text, expected):
    assert private(text) == expected
    assert not leaks(private(text))


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: 3/7 and/or 1 / 2 of a/b",
        "see https://example.org/latent/explorer for more",
        "shape (1, 3, 64, 64), torch.Size([8, 3, 64, 64])",
        "z1 moved to +0.84; decode 0.1 ms",
        "12:30:01 INFO explorer.gui.app: opened",
        "josephine and a banjo",  # a name inside other words is none
    ],
)
def test_what_is_not_personal_stays(text):
    assert private(text) == text


def test_the_home_folder_is_a_tilde_by_either_of_its_names(person):
    real = os.path.realpath(person)
    assert private(f"home is {person}") == "home is ~"
    assert private(f"home is {real}, then") == "home is ~, then"
    assert private(f"'{real}/anna.pth' '{person}/anna'") == "'<folder>/<file>.pth' '<folder>'"


def test_a_chinese_name_is_found_without_gaps(monkeypatch):
    monkeypatch.setenv("USER", "王伟")
    assert private("用户王伟的文件") == "用户<user>的文件"


@pytest.mark.parametrize(
    "text",
    [
        "code [0.12, -1.5]",
        "array([[ 0.1, 2.0, -3e-4],\n       [ 1. , nan, 0.5]])",
        "tensor([12, 255, 3, 0, 17, 90])",
        "(0.5, 0.25)",
        "[1 2 3 ... 7 8 9]",
    ],
)
def test_no_values_of_codes_or_pictures_stay(text):
    assert "[numbers]" in private(text)
    assert not any(digit in private(text) for digit in "0123456789")


@pytest.mark.parametrize(
    "text",
    ["[" + "255, " * 4000, "'C:" + r"\\a" * 4000, "x" * LONGEST, "/a b" * 5000, "~/" * 9000],
)
def test_a_text_that_fits_nothing_takes_no_time(text):
    before = time.process_time()
    private(text)
    assert time.process_time() - before < 2


def test_the_programs_own_files_and_pythons_are_named_by_their_place():
    own = Path(bug_report.__file__)
    assert private(f'File "{own}", line 3') == 'File "<program>/explorer/gui/messages/bug_report.py", line 3'
    site = Path(sysconfig.get_path("purelib")) / "torch" / "nn" / "modules" / "module.py"
    assert (
        private(f'File "{site}", line 3')
        == 'File "<python>/site-packages/torch/nn/modules/module.py", line 3'
    )
    assert private(f'File "{traceback.__file__}"') == 'File "<python>/lib/traceback.py"'
    assert private(str(paths.resources() / "style.qss")) == "<program>/resources/style.qss"


def test_the_program_in_a_home_folder_gives_nothing_away(monkeypatch, person):
    monkeypatch.setattr(
        bug_report, "__file__", str(person / "Anna" / "explorer" / "gui" / "messages" / "bug_report.py")
    )
    bug_report._own_places.cache_clear()
    try:
        place = os.path.realpath(person / "Anna" / "explorer" / "gui" / "app.py")
        assert private(f'File "{place}", line 1') == 'File "<program>/explorer/gui/app.py", line 1'
    finally:
        bug_report._own_places.cache_clear()


def trace_of(error):
    try:
        raise error
    except type(error):
        return traceback.format_exc()


def test_the_report_tells_versions_bugs_and_log_and_nobody(qapp, person):
    bug = trace_of(ValueError(f"cannot make {person}/Anna faces/geheim.pth of [0.25, 0.5]"))
    text = report([(bug, 1), ("ZeroDivisionError: twice", 3)], ["read /home/josmith/anna.pth"], "CPU float32")
    for expected in (
        f"Program: {__version__}",
        f"Python: {sys.version.split()[0]}",
        "PySide6: ",
        "numpy: ",
        "Pillow: ",
        "Device: CPU float32",
        f"Processors: {os.cpu_count()}",
        "Window system: ",
        "Scale: 1",
        "Bug 1\nTraceback",
        "ValueError: cannot make <folder>/<file>.pth of [numbers]",
        "Bug 2, 3 times\nZeroDivisionError: twice",
        "Log\nread <folder>/<file>.pth",
    ):
        assert expected in text, text
    assert not leaks(text)


def test_a_traceback_that_was_logged_stands_in_the_report_once(qapp):
    bug = trace_of(ValueError("no"))
    text = report([(bug, 1)], ["12:00:00 INFO before", *f"12:00:01 ERROR a bug: {bug}".splitlines(), "after"])
    assert text.count("ValueError: no") == 1
    assert text.endswith("12:00:00 INFO before\n12:00:01 ERROR a bug: (above)\nafter\n")


def test_torch_is_told_only_where_it_is_there(monkeypatch, qapp):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert "torch: not imported" in report([])
    assert "torch" not in sys.modules


def test_an_endless_traceback_is_shortened(qapp):
    text = report([("line\n" * LONGEST + "RecursionError: the end", 1)])
    assert len(text) < 2 * LONGEST
    assert "RecursionError: the end" in text


# ---- the log ----


@pytest.fixture
def recent():
    log = RecentLog()
    log.install()
    yield log
    log.remove()


def test_the_newest_lines_of_the_log_are_kept(recent):
    logger = logging.getLogger("explorer.test")
    logger.debug("too fine")
    for i in range(LINES + 5):
        logger.info("line %d", i)
    assert len(recent.lines) == LINES
    assert recent.lines[-1].endswith(f"INFO explorer.test: line {LINES + 4}")
    assert not any("too fine" in line for line in recent.lines)


def test_the_log_is_left_as_it_was():
    root, own = logging.getLogger(), logging.getLogger("explorer")
    before = (list(root.handlers), root.level, own.level)
    log = RecentLog()
    log.install()
    assert (list(root.handlers), root.level, own.level) != before
    log.remove()
    assert (list(root.handlers), root.level, own.level) == before


def test_warnings_still_reach_the_terminal(monkeypatch, capsys, caplog):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    log = RecentLog()
    log.install()
    logging.getLogger("explorer.test").warning("seen by whoever started it")
    logging.getLogger("explorer.test").info("not for the terminal")
    log.remove()
    assert capsys.readouterr().err == "seen by whoever started it\n"
