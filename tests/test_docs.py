"""The documents keep up with the program: commands parse, links lead somewhere, examples run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "docs/guide.md",
    "docs/formats.md",
    "docs/performance.md",
    "benchmarks/README.md",
    "checkpoints/README.md",
    "CHANGELOG.md",
)
WIDEST = 130  # characters of a line, so that a diff can be read


def blocks(document: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return every line that calls the program, of all documents; a backslash at its end joins the next."""
    shell = "".join(block for document in DOCUMENTS for block in blocks(document, "sh"))
    lines = re.sub(r"\\\n\s*", " ", shell).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.startswith("latent-explorer ")]


def test_there_are_commands_to_check():
    assert len(commands()) > 10


@pytest.mark.parametrize("line", commands())
def test_a_documented_command_can_be_called_so(line, monkeypatch):
    from explorer.cli.commands import app

    monkeypatch.chdir(ROOT)
    group = typer.main.get_command(app)
    command, words = group, shlex.split(line)[1:]
    if words[0] not in group.commands:
        words = ["open", *words]
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    # Options and arguments are parsed, nothing is run; an unknown one raises.
    command.make_context(line, words)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for target in targets:
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (ROOT / document).parent / path if path else ROOT / document
        assert there.exists(), f"{document} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{document} links to {target}"


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_lines_of_text_are_not_too_long(document):
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    long = [
        line for line in text.splitlines() if len(line) > WIDEST and not line.startswith(("|", "![", "["))
    ]
    assert long == []


def test_the_guide_names_every_key():
    from explorer.gui.actions import COMMANDS

    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    named = {
        key for row in re.findall(r"^\| ([^|]+) \|", guide, flags=re.MULTILINE) for key in row.split(", ")
    }
    assert {command.keys[0] for command in COMMANDS if command.keys} - named == set()


def test_the_example_of_the_readme_writes_a_model_that_opens(tmp_path, monkeypatch):
    from explorer.formats import open_latent

    monkeypatch.chdir(tmp_path)
    (block,) = blocks("README.md", "python")
    exec(compile(block, "README.md", "exec"), {})
    opened = open_latent("digits.safetensors")
    assert (opened.model.architecture, opened.model.spaces["z"].dim) == ("fc-vae", 8)


def test_the_native_format_is_described_as_it_is(tmp_path, monkeypatch):
    from safetensors import safe_open

    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("README.md", "python")[0], "README.md", "exec"), {})
    with safe_open("digits.safetensors", "np") as file:
        written = json.loads(file.metadata()["explorer"])
    (described,) = (json.loads(block) for block in blocks("docs/guide.md", "json"))
    assert {**written, "trained": {}} == {**described, "trained": {}}


def test_the_training_example_runs(reference_data, tmp_path):
    out = tmp_path / "digits.safetensors"
    source = (ROOT / "docs" / "examples" / "digits_vae.py").read_text(encoding="utf-8")
    assert "epochs: int = 10" in source
    short = tmp_path / "digits_vae.py"
    short.write_text(source.replace("epochs: int = 10", "epochs: int = 1"), encoding="utf-8")
    data = reference_data / "mnist-10k" / "t10k-images-idx3-ubyte.gz"
    command = [sys.executable, "-W", "error", str(short), str(data), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "epoch 1" in done.stdout
    assert out.stat().st_size > 1_000_000
    assert (
        brightest_of_samples(out) > 0.4
    )  # digits; with the divergence too strong or too weak, black smudges


def brightest_of_samples(path):
    """Return the mean, over samples, of each picture's brightest pixel, 0..1."""
    import torch

    from explorer.formats import open_latent

    codes = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    return open_latent(path).model.decode(codes).amax((1, 2, 3)).mean().item()
