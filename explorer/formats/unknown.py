"""What a file seems to be that no reader takes: the middle of a sentence, by its first bytes."""

from __future__ import annotations

from pathlib import Path

from explorer.formats import zip_members

_SIGNATURES = (
    (b"\x89PNG", "is a PNG picture, not a checkpoint"),
    (b"\xff\xd8\xff", "is a JPEG picture, not a checkpoint"),
    (b"GIF8", "is a GIF picture, not a checkpoint"),
    (b"\x93NUMPY", "is a numpy array (codes or pictures), not a checkpoint"),
    (b"\x1f\x8b", "is a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it first"),
    (b"Rar!", "is a RAR archive; unpack it first"),
    (b"%PDF", "is a PDF document, not a checkpoint"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself; fetch it with git lfs pull"),
)


def describe(head: bytes, path: Path) -> str:
    """Return what a file or folder seems to be, to follow its name in a sentence without its full stop."""
    if path.is_dir():
        return f"is a folder; give the checkpoint file itself{_inside(path)}"
    for signature, text in _SIGNATURES:
        if head.startswith(signature):
            return text
    if head.startswith(b"PK"):
        return _zip(path)
    if head[257:262] == b"ustar":
        return "is a tar archive; unpack it first"
    if len(head) > 1 and head[0] == 0x80 and head[1] in range(2, 6):
        return f"is cut off after {len(head)} bytes; copy or download it again"
    if _is_text(head):
        begins = " ".join(head[:200].decode("utf-8", "replace").split())[:40]
        return f"is a text file, not a checkpoint (it begins with {begins!r})"
    return f"is of an unknown kind (it begins with the bytes {head[:8].hex(' ')})"


def _inside(folder: Path) -> str:
    """Name a few files of a folder that might be meant."""
    kinds = (".safetensors", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".keras", ".onnx", ".bin")
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in kinds)
    except OSError:
        return ""
    return f" (it holds {', '.join(names[:3])})" if names else " (it holds none)"


def _zip(path: Path) -> str:
    names = zip_members.names(path)
    if not names:
        return "is a zip that is cut off or damaged; copy or download it again"
    if any(name.endswith(".npy") for name in names):
        return "is an .npz of arrays (codes or pictures), not a checkpoint"
    return "is a zip archive without a checkpoint that is known; unpack it first"


def _is_text(head: bytes) -> bool:
    try:
        text = head[: len(head) - 4 if len(head) == 4096 else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
