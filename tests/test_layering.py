"""The layers of the program: who may import whom, found by reading the imports of every module.

The table is that of the design: a module imports only from layers above its own, or from its own package. Who
may know whom is checked for imports anywhere in a file; what costs start-up time only for imports that run
when the module itself is imported.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "explorer"

# From the top down; parts of one line do not know each other.
LAYERS = [
    {"errors", "paths"},
    {"models"},
    {"latent"},
    {"data"},
    {"formats"},
    {"render", "training"},
    {"export", "faces"},
    {"gui"},
    {"cli"},
]
NEIGHBOURS = {("paths", "errors")}  # parts of one line that know each other all the same
QT = {"PySide6", "shiboken6", "superqt", "pyqtgraph", "qtpy"}
# What the window needs before torch is there, and so must not import it while being imported.
BEFORE_TORCH = (
    "errors", "paths", "cli", "gui", "data", "latent", "export", "faces", "models.base", "models", "render.requests",
    "render.scheduler", "formats",
)  # fmt: skip
SLOW = {"torch", "sklearn", "umap", "av", "cv2", "lightning", "tensorboard"}


@dataclass(frozen=True)
class Import:
    """One imported module, dotted; `lazy` where it stands inside a function."""

    module: str
    line: int
    lazy: bool


def imports(source: str, module: str = "", package: bool = False) -> list[Import]:
    """Return what `source`, the text of `module`, imports; what is only for type checkers is left out."""
    return list(_imports(ast.parse(source), False, module.split(".") if module else [], package))


def _imports(node: ast.AST, lazy: bool, here: list[str], package: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(name.name, node.lineno, lazy) for name in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = here[: len(here) - node.level + package]
            base = ".".join([*parts, base] if base else parts)
        yield from (Import(f"{base}.{name.name}", node.lineno, lazy) for name in node.names)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.orelse:
            yield from _imports(child, lazy, here, package)
    else:
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, lazy, here, package)


def violations(module: str, source: str, package: bool = False) -> list[str]:
    """Return one line for each import of `module` (`gui.panels.strip`) that its layer does not allow."""
    found = []
    for imported in imports(source, f"explorer.{module}", package):
        reason = _why_not(module, imported)
        if reason:
            found.append(f"explorer/{module.replace('.', '/')}:{imported.line}: {imported.module}: {reason}")
    return found


def _why_not(module: str, imported: Import) -> str:
    top, _, rest = imported.module.partition(".")
    part = module.split(".")[0]
    panel = module.startswith("gui.panels.")
    if top in QT and part != "gui":
        return "only gui/ knows Qt"
    if top in SLOW and not imported.lazy and _is_before_torch(module):
        return "the window would wait for it; import it inside a function"
    if panel and top == "torch":
        return "a panel knows no torch"
    if top != "explorer" or not rest:
        return ""
    if panel:
        return _why_not_in_a_panel(module, rest)
    return _why_not_between(part, rest.split(".")[0], imported.lazy)


def _why_not_in_a_panel(module: str, imported: str) -> str:
    if imported.startswith("gui.panels.") and not f"{imported}.".startswith(f"{module}."):
        return "a panel knows no other panel"
    if imported.startswith(
        ("gui.decode_worker", "gui.main_window", "gui.app", "render.renderer", "render.scheduler")
    ):
        return "a panel knows no worker and no window"
    return _why_not_between("gui", imported.split(".")[0], False)


def _why_not_between(part: str, other: str, lazy: bool) -> str:
    if other == part or other.startswith("__") or (part, other) in NEIGHBOURS:
        return ""
    if _layer(other) < _layer(part):
        if (part, other) == ("cli", "gui") and not lazy:
            return "the command line imports the window only inside functions"
        return ""
    return f"{other} is not above {part}"


def _layer(part: str) -> int:
    return next((number for number, parts in enumerate(LAYERS) if part in parts), len(LAYERS))


def _is_before_torch(module: str) -> bool:
    """`models`, `render` and `formats` name their `__init__` alone; the other parts all their modules."""
    if module in BEFORE_TORCH:
        return True
    part = module.split(".")[0]
    return part in BEFORE_TORCH and part not in {"models", "render", "formats"}


def modules() -> list[tuple[str, Path]]:
    """Return every module of the program, dotted and without `explorer.`, with its file."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


@pytest.mark.parametrize(
    ("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_imports_stay_within_the_layers(module, path):
    assert violations(module, path.read_text(encoding="utf-8"), path.name == "__init__.py") == []


def test_every_part_has_its_layer():
    parts = {module.split(".")[0] for module, _ in modules() if module}
    assert parts - {"__main__"} <= set().union(*LAYERS)


def test_every_folder_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("latent.plane", "from explorer.render.renderer import Renderer", "render is not above latent"),
        ("latent.plane", "import explorer.data.images", "data is not above latent"),
        ("models.fc_vae", "def f():\n    from explorer.formats import native", "formats is not above models"),
        ("render.renderer", "from explorer.training import loop", "training is not above render"),
        ("errors", "from explorer import paths", "paths is not above errors"),
        ("render.renderer", "from PySide6.QtCore import QObject", "only gui/ knows Qt"),
        ("cli.main", "def f():\n    import pyqtgraph", "only gui/ knows Qt"),
        ("cli", "from explorer.gui import app", "only inside functions"),
        ("gui.panels.strip", "def f():\n    import torch", "no torch"),
        ("gui.panels.strip", "from explorer.gui.panels.canvas import Canvas", "no other panel"),
        ("gui.panels.strip", "from explorer.gui.panels import canvas", "no other panel"),
        ("gui.panels.strip", "from .canvas import Canvas", "no other panel"),
        ("gui.panels.strip", "from explorer.gui.decode_worker import DecodeWorker", "no worker"),
        ("gui.panels.strip", "from explorer.render import scheduler", "no worker"),
        ("gui.session", "import torch", "would wait"),
        ("gui.session", "try:\n    import torch\nexcept ImportError:\n    pass", "would wait"),
        ("models.base", "from torch import nn", "would wait"),
        ("render.scheduler", "import torch", "would wait"),
        ("latent.plane", "from sklearn.decomposition import PCA", "would wait"),
    ],
)
def test_the_check_finds_what_is_forbidden(module, source, reason):
    found = violations(module, source)
    assert len(found) == 1
    assert reason in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cli", "def f():\n    from explorer.gui import app"),
        (
            "gui.panels.strip",
            "from explorer.gui.session import Session\nfrom explorer.gui.widgets import legend",
        ),
        ("gui.panels.strip", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
        ("models.dcgan", "import torch"),
        ("render.renderer", "import torch\nfrom explorer.latent import sampling"),
        ("latent.plane", "def f():\n    from sklearn.decomposition import PCA"),
        ("gui.panels", "from explorer.gui.panels.strip import Strip"),
    ],
)
def test_the_check_lets_pass_what_is_allowed(module, source):
    assert violations(module, source) == []
