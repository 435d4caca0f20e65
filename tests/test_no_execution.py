"""Nothing in the program can run what a file says: found by reading every call of every module.

No built-in that runs text, no import by a name that is made up at run time, no loader of torch or pickle that
runs what it reads. `forbidden` is tried on each form below, so that it can be trusted where it finds nothing.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "explorer"

BUILT_IN = {"eval", "exec", "compile", "__import__"}
RUNNERS = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "runpy", "code", "codeop",
    "imp", "pkgutil", "zipimport",
}  # fmt: skip
"""Modules that nothing here needs, as most of what they do is to run or make what a file says."""
LOADERS = {"torch.jit", "torch.export", "torch.package", "torch.hub", "torch._export"}
NAMED_IMPORT = {"importlib.import_module", "importlib.__import__"}
SPEC = {"spec_from_file_location", "module_from_spec", "exec_module", "load_module", "SourceFileLoader"}


def forbidden(source: str) -> list[str]:
    """Return a line for everything in `source` that could run what a file says."""
    tree = ast.parse(source)
    names = dict(_names(tree))
    found = []
    for node in ast.walk(tree):
        reason = _why_not(node, names)
        if reason:
            found.append(f"line {getattr(node, 'lineno', 0)}: {reason}")
    return found


def _names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what each imported name stands for, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield (name.asname, name.name) if name.asname else (name.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for name in node.names:
                yield name.asname or name.name, f"{node.module}.{name.name}"


def _why_not(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _why_not_import(node)
    if isinstance(node, ast.Name) and node.id in BUILT_IN and node.id not in names:
        return f"{node.id} as a name"  # however it is called then
    if isinstance(node, ast.Attribute) and node.attr in SPEC:
        return f"{node.attr} imports a file"
    dotted = _dotted(node, names)
    if dotted.partition(".")[0] in {"builtins", "__builtins__"} and dotted.rpartition(".")[2] in BUILT_IN:
        return f"{dotted} as a name"
    if any(dotted == loader or dotted.startswith(f"{loader}.") for loader in LOADERS):
        return f"{dotted} runs what it reads"
    return _why_not_call(node, names) if isinstance(node, ast.Call) else ""


def _why_not_import(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.Import):
        modules = [name.name for name in node.names]
    else:
        modules = [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
    for module in modules:
        if module.partition(".")[0] in RUNNERS and not (isinstance(node, ast.ImportFrom) and node.level):
            return f"{module} is not needed here"
        if any(module == loader or module.startswith(f"{loader}.") for loader in LOADERS):
            return f"{module} runs what it reads"
        if module in {
            "builtins.eval",
            "builtins.exec",
            "builtins.compile",
            "builtins.__import__",
            "torch.load",
        }:
            return f"{module} under a name of its own"
    return ""


def _why_not_call(node: ast.Call, names: dict[str, str]) -> str:
    called = _dotted(node.func, names)
    if called in NAMED_IMPORT and not (node.args and isinstance(node.args[0], ast.Constant)):
        return "an import of a name that is no literal"
    keywords = {word.arg: word.value for word in node.keywords}
    if called == "torch.load" and not _is_true(keywords.get("weights_only")):
        return "torch.load without the literal weights_only=True"
    if "allow_pickle" in keywords and not _is_false(keywords["allow_pickle"]):
        return "allow_pickle"
    if called == "getattr" and len(node.args) > 1 and _is_builtins(node.args[0], names):
        return "a built-in by its name"
    if called == "h5py.File" and not (len(node.args) > 1 or "mode" in keywords):
        return "an HDF5 file without a mode"
    return ""


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """Return `torch.load` for what is called so, whatever its module was imported as."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def _is_true(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _is_builtins(node: ast.AST, names: dict[str, str]) -> bool:
    return _dotted(node, names) in {"builtins", "__builtins__"}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_runs_what_a_file_says(path):
    assert forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "compile(text, 'a', 'exec')",
        "__import__(name)",
        "run = eval",
        "list(map(exec, texts))",
        "import builtins\nbuiltins.eval('1')",
        "import builtins as b\nb.exec('1')",
        "from builtins import eval as harmless",
        "__builtins__.eval('1')",
        "import builtins\ngetattr(builtins, name)",
        "import importlib\nimportlib.import_module(name)",
        "import importlib as i\ni.import_module(f'explorer.{name}')",
        "from importlib import import_module\nimport_module(name)",
        "from importlib import import_module as get\nget(NAMES[name])",
        "import importlib\nimportlib.__import__(name)",
        "import importlib.util\nspec = importlib.util.spec_from_file_location('a', path)",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=safe)",
        "import torch\ntorch.load(path, **options)",
        "import torch as t\nt.load(path)",
        "from torch import load",
        "def f():\n    from torch import load as read\n    read(path, weights_only=False)",
        "import torch\ntorch.jit.load(path)",
        "import torch\nload = torch.jit.load",
        "from torch import jit\njit.load(path)",
        "from torch.jit import load",
        "import torch.jit as j\nj.load(path)",
        "import torch\ntorch.export.load(path)",
        "from torch.export import load",
        "from torch import export as e\ne.load(path)",
        "from torch.package import PackageImporter",
        "import torch\ntorch.hub.load(a, b)",
        "import pickle",
        "import pickle as harmless",
        "from pickle import Unpickler",
        "from pickle import loads",
        "import marshal",
        "import cloudpickle",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy as np\nnp.load(path, allow_pickle=trusted)",
        "import runpy",
    ],
)
def test_the_check_finds_each_form(source):
    assert forbidden(source)


@pytest.mark.parametrize(
    "source",
    [
        "import re\nre.compile('a')",
        "network.eval()",
        "dialog.exec()",
        "statement.compile(text)",
        "import importlib\nimportlib.import_module('explorer.models')",
        "import importlib.util\nimportlib.util.find_spec('torch')",
        "import torch\ntorch.load(path, map_location='cpu', weights_only=True)",
        "import numpy as np\nnp.load(path)\nnp.load(path, allow_pickle=False)",
        "from explorer.formats.safe_pickle import load\nload(span, world)",
        "import json\njson.load(file)",
        "from ast import literal_eval\nliteral_eval('1')",
    ],
)
def test_the_check_lets_pass_what_is_harmless(source):
    assert forbidden(source) == []
