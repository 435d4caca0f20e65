"""An audit hook that Python installs by itself where this folder is on its path; see `watched.py`.

It appends a line of JSON to $WATCHED_LOG for everything that could be the doing of a file that is read.
"""

import json
import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TOKENS = ("hostile_mark_7f3a", "hostile_canary_7f3a")
TOLD = {
    "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty",
    "pty.spawn", "socket.connect", "socket.bind", "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir", "os.rmdir",
    "os.truncate", "os.chmod", "os.link", "os.symlink", "shutil.rmtree", "shutil.move", "shutil.unpack_archive",
    "pickle.find_class", "webbrowser.open", "urllib.Request",
}  # fmt: skip


def caller():
    """Return the file of the code that did it; that of the hook and of this function are the nearest."""
    frame = sys._getframe()
    for _ in range(3):
        frame = frame.f_back if frame else None
    return frame.f_code.co_filename if frame else ""


def named(value, depth=0):
    """Tell whether a word of the hostile files is in source text, or anywhere in a code object."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        return any(token in value for token in TOKENS)
    if hasattr(value, "co_consts") and depth < 9:
        parts = (*value.co_consts, *value.co_names, value.co_filename, value.co_name)
        return any(named(part, depth + 1) for part in parts)
    return False


def what(event, args):
    """Return what is told of an event; None for what is not."""
    if event == "open":
        path, mode, flags = args
        writes = bool(flags & WRITING) if isinstance(flags, int) else any(c in (mode or "") for c in "wax+")
        reads = str(path).startswith(os.environ["WATCHED_FILES"])
        return {"path": str(path), "writes": writes} if writes or reads else None
    if event in ("exec", "compile"):
        return {"named": named(args[0]), "caller": caller()}
    if event == "import":
        return {"module": str(args[0])}
    if event in ("os.remove", "os.rmdir") and isinstance(args[1], int) and args[1] >= 0:
        return {"args": os.path.join(os.readlink(f"/proc/self/fd/{args[1]}"), os.fsdecode(args[0]))}
    return {"args": repr(args)[:500]} if event in TOLD or event.startswith("shutil.") else None


def limit():
    import resource

    return resource.getrlimit(resource.RLIMIT_AS)[0]


def install(log):
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def hook(event, args):
        told = what(event, args)
        if told is not None:
            told |= {"event": event, "now": os.environ.get("WATCHED_NOW", ""), "pid": os.getpid()}
            if event == "open":
                told["limit"] = limit()
            os.write(file, json.dumps(told).encode() + b"\n")

    limit()  # its module is imported before the hook is there
    sys.addaudithook(hook)


if "WATCHED_LOG" in os.environ:
    install(os.environ["WATCHED_LOG"])
