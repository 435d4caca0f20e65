"""The text of a report on a bug: versions, tracebacks, the newest lines of the log, and nothing about the person.

`private` is what every line passes through. No windows here, and no catching of bugs.
"""

from __future__ import annotations

import contextlib
import getpass
import locale
import logging
import os
import platform
import re
import socket
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from explorer import __version__, paths

LINES = 200  # of the log
LONGEST = 20_000  # characters of one traceback

# What people keep in files, for names that stand without a folder; `.py` stays, it is in every traceback.
_KNOWN = (
    "pth|pt|ckpt|bin|pkl|pickle|safetensors|h5|hdf5|keras|npz|npy|csv|tsv|json|yaml|yml|txt|onnx|png|jpg|jpeg|"
    "webp|gif|bmp|tif|tiff|zip|tar|gz|idx|mp4|webm|tmp|part"
)
# Where a path begins: an address, the home folder, a root, a drive, a server; not a slash within a word.
_START = (
    r"(?:file:/{2,3}|(?<![\w.>~:/\\])~[\\/]|(?<![\w.>~/\\])/(?=[^\s/])|(?<![\w.>~/\\])[A-Za-z]:[\\/]+"
    r"|(?<![\w>:/\\])(?:\\{2,4}|//)(?=[\w?.]))"
)
_QUOTED = re.compile(rf"""(?P<quote>['"])(?P<path>{_START}(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)""")
# Without quotes nobody can tell where a name with spaces ends: after a suffix, else at the end of the clause.
_BARE = re.compile(
    rf"""{_START}(?P<rest>(?:(?![:;,]\s)[^'"<>|\n])*[\\/])?
         (?P<name>(?:(?![:;,]\s)[^\\/'"<>|\n:])*?\.(?:{_KNOWN})\b
                 |(?:(?![:;,]\s)[^\\/'"<>|\n:])*?\.[A-Za-z]\w{{0,11}}\b
                 |(?:(?![:;,.)]\s)(?![:;,.)]$)[^\\/'"<>|\n])*)""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_FILE = re.compile(
    rf"""(?P<quote>['"])(?!<)[^'"\n]*?\.(?P<quoted>{_KNOWN})(?P=quote)
         |(?<![^\s'"<>|])[^\s'"<>|]+\.(?P<suffix>{_KNOWN})\b""",
    re.VERBOSE | re.IGNORECASE,
)
# Values of codes and pictures; a few whole numbers are a shape, and stay. Each number matches in one way only,
# or a list that is never closed would take for ever.
_NUMBER = r"(?:[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|nan|inf|\.\.\.))"
_NUMBERS = re.compile(rf"[\[(][\[(\s]*{_NUMBER}(?:[\s,\[\]()]+{_NUMBER})+[\s,\])]*[\])]")
_SHAPE_LENGTH = 5


class RecentLog(logging.Handler):
    """Keeps the newest lines of the log from `INFO` up, until it is removed."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
        self._kept: deque[str] = deque(maxlen=LINES)
        self._also: logging.Handler | None = None
        self._level = logging.NOTSET

    def install(self) -> None:
        """Listen to every logger; what went to the terminal without it still does."""
        root, own = logging.getLogger(), logging.getLogger("explorer")
        if not root.handlers and logging.lastResort is not None:
            self._also = logging.lastResort  # it is used only where there is no handler at all
            root.addHandler(self._also)
        root.addHandler(self)
        self._level = own.level
        own.setLevel(min(own.getEffectiveLevel(), logging.INFO))

    def remove(self) -> None:
        """Put the log back to what it was."""
        root = logging.getLogger()
        root.removeHandler(self)
        if self._also is not None:
            root.removeHandler(self._also)
        logging.getLogger("explorer").setLevel(self._level)

    @property
    def lines(self) -> tuple[str, ...]:
        """The newest lines, the newest last."""
        return tuple("\n".join(self._kept).splitlines()[-LINES:])

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one entry."""
        try:
            self._kept.append(self.format(record)[:LONGEST])
        except Exception:  # what cannot be formatted must not become the next bug
            self.handleError(record)


# ---- the report ----


def report(bugs: Sequence[tuple[str, int]], log_lines: Iterable[str] = (), device: str = "") -> str:
    """Return the report on bugs, each a traceback and how often it came; nothing in it is personal."""
    parts = ["Latent Explorer: report on a bug", "\n".join(environment(device))]
    for number, (trace, count) in enumerate(bugs, 1):
        times = f", {count} times" if count > 1 else ""
        parts.append(f"Bug {number}{times}\n{_shortened(trace).strip()}")
    lines = "\n".join(log_lines) or "(empty)"
    for trace, _ in bugs:
        lines = lines.replace(trace.strip(), "(above)")
    parts.append(f"Log\n{lines}")
    return private("\n\n".join(parts)) + "\n"


def environment(device: str = "") -> list[str]:
    """Return lines on the program and what it runs on; torch is named only if it is there already."""
    import numpy
    import PIL
    import PySide6
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication.instance()
    screen = QGuiApplication.primaryScreen() if isinstance(application, QGuiApplication) else None
    window = QGuiApplication.platformName() if screen is not None else "none"
    torch = sys.modules.get("torch")
    facts = {
        "Program": __version__,
        "Python": platform.python_version(),
        "PySide6": PySide6.__version__,
        "torch": getattr(torch, "__version__", "not imported"),
        "numpy": numpy.__version__,
        "Pillow": PIL.__version__,
        "System": f"{platform.platform()} {platform.machine()}",
        "Processors": str(os.cpu_count()),
        "Memory": _memory(),
        "Device": device or "unknown",
        "Window system": window,
        "Scale": f"{screen.devicePixelRatio():g}" if screen is not None else "unknown",
        "Language": ".".join(part or "?" for part in locale.getlocale()),
    }
    return [f"{name}: {value}" for name, value in facts.items()]


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GB"
    except (AttributeError, ValueError, OSError):  # Windows
        return "unknown"


def _shortened(trace: str) -> str:
    """Return a traceback with the middle left out where it is endless."""
    if len(trace) <= LONGEST:
        return trace
    return f"{trace[: LONGEST // 2]}\n[…]\n{trace[-LONGEST // 2 :]}"


# ---- nothing personal ----


def private(text: str) -> str:
    """Return text without what says who runs the program, and on what.

    The program's own files and Python's libraries are named by their place within them. Of any other file only
    the suffix stays (`<folder>/<file>.pth`), of a folder nothing; the home folder is `~`. User and host are
    `<user>` and `<host>`, and rows of numbers `[numbers]`.
    """
    for pattern, name in _own_places():
        text = pattern.sub(name, text)
    for pattern in _homes():
        text = pattern.sub("~", text)
    text = _QUOTED.sub(lambda match: f"{match['quote']}{_nameless(match['path'])}{match['quote']}", text)
    text = _BARE.sub(lambda match: _nameless(match[0]) if match[0].strip() else match[0], text)
    text = _FILE.sub(_without_name, text)
    text = _NUMBERS.sub(_without_values, text)
    for pattern, name in _names():
        text = pattern.sub(name, text)
    return text


def _nameless(path: str) -> str:
    """Return what stays of a path: `<folder>`, and the suffix of a file."""
    name = re.split(r"[\\/]", path.rstrip())[-1]
    suffix = re.search(r".\.([A-Za-z]\w{0,11})$", name)
    return f"<folder>/<file>.{suffix[1]}" if suffix else "<folder>"


def _without_name(match: re.Match[str]) -> str:
    if match[0].startswith(("<folder>", "<program>", "<python>", "<file>")):
        return match[0]
    quote = match["quote"] or ""
    return f"{quote}<file>.{match['quoted'] or match['suffix']}{quote}"


def _without_values(match: re.Match[str]) -> str:
    numbers = re.findall(_NUMBER, match[0])
    if len(numbers) <= _SHAPE_LENGTH and all(number.isdigit() for number in numbers):
        return match[0]
    return "[numbers]"


@lru_cache(maxsize=1)
def _own_places() -> list[tuple[re.Pattern[str], str]]:
    """Return the folders whose files may be named, the innermost first."""
    python = sysconfig.get_paths()
    places = {
        Path(__file__).parents[2]: "<program>/explorer",
        paths.resources(): "<program>/resources",
        paths.benchmarks(): "<program>/benchmarks",
    }
    for key, name in (
        ("purelib", "<python>/site-packages"),
        ("platlib", "<python>/site-packages"),
        ("stdlib", "<python>/lib"),
        ("platstdlib", "<python>/lib"),
    ):
        places.setdefault(Path(python[key]), name)
    for place, name in list(places.items()):
        places.setdefault(Path(os.path.realpath(place)), name)
    ordered = sorted(places.items(), key=lambda item: -len(str(item[0])))
    return [(re.compile(_folder(place) + r"(?=[\\/])", re.IGNORECASE), name) for place, name in ordered]


def _homes() -> list[re.Pattern[str]]:
    """Return what names the home folder itself; what lies in it is a path like any other."""
    homes = {os.path.expanduser("~"), *(os.environ.get(name, "") for name in ("HOME", "USERPROFILE"))}
    homes |= {os.path.realpath(home) for home in homes if home}
    return [
        re.compile(_folder(Path(home)) + r"(?=[\s'\",;:)\]]|$)", re.IGNORECASE | re.MULTILINE)
        for home in sorted(homes, key=len, reverse=True)
        if len(home) > 1
    ]


def _folder(path: Path) -> str:
    """Return a pattern for a folder, with either slash, doubled or not, and nothing before it."""
    parts = [re.escape(part.strip("\\/")) for part in path.parts]
    return r"(?<![\w.>~/\\])" + r"[\\/]+".join(parts if parts[0] else ["", *parts[1:]])


def _names() -> list[tuple[re.Pattern[str], str]]:
    """Return what names the user and the host, the longest first; names of one letter would be everywhere."""
    users = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME")}
    users |= {Path(os.path.expanduser("~")).name, *_account_names()}
    hosts = {socket.gethostname(), platform.node(), os.environ.get("COMPUTERNAME", "")}
    hosts |= {host.split(".")[0] for host in hosts}
    named = [(user, "<user>") for user in users] + [(host, "<host>") for host in hosts]
    named = [(name, mark) for name, mark in named if len(name) > 1 and name not in ("root", "localhost")]
    return [(_word(name), mark) for name, mark in sorted(named, key=lambda item: -len(item[0]))]


def _account_names() -> set[str]:
    names = set()
    with contextlib.suppress(OSError, KeyError, ImportError):
        names.add(getpass.getuser())
    with contextlib.suppress(ImportError, KeyError, AttributeError):
        import pwd

        names.add(pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0].strip())
    return names


def _word(name: str) -> re.Pattern[str]:
    """Return a pattern for a name as a word; where words have no gaps, as in Chinese, for the name anywhere."""
    edges = (r"(?<![^\W_])", r"(?![^\W_])") if name.isascii() else ("", "")
    return re.compile(re.escape(name).join(edges), re.IGNORECASE)
