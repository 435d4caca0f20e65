"""Sessions to save and open again: tiny models of several kinds, random actions, and all there is to compare."""

from __future__ import annotations

import dataclasses

import fakes
import numpy as np

from explorer.errors import ExplorerError
from explorer.gui.state import Anchor, State
from explorer.models import architecture
from explorer.models.base import Space

KINDS = ("fc-vae", "fc-vae with codes", "fc-gan", "dcgan", "uniform", "sphere", "none")
BESIDE_STATE = {"opened", "stages"}  # parts of a state that are compared by what they lead to


def save_vae(path, **sizes):
    """Write a native checkpoint of a tiny VAE."""
    from explorer.formats import save_native

    model = fakes.tiny_vae(**sizes, name=path.stem)
    side, latent_dim = model.image.height, model.spaces["z"].dim
    save_native(
        path, model, config={"height": side, "width": side, "hidden": [32, 16], "latent_dim": latent_dim}
    )
    return path


def save_vae_without_prior(path):
    """Write a native checkpoint of a tiny VAE that states that its codes have no prior."""
    from explorer.formats import open_latent, save_native

    model = open_latent(save_vae(path)).model
    model.spaces["z"] = Space("z", (4,), "none")
    config = {"height": 8, "width": 8, "hidden": [32, 16], "latent_dim": 4}
    save_native(path, model, config=config)
    return path


def save_pictures(folder, count=12, side=8):
    """Write a folder of grey pictures of noise."""
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


def save_family(path, name, seed=0, prior="normal", **config):
    """Write a native checkpoint of a family with random weights."""
    import torch

    from explorer.formats import save_native

    family = architecture(name)
    made = family.config(**config)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = family.wrap(family.network(made).eval(), made, name=path.stem)
        for weight in model.network.parameters():
            weight.data.add_(0.1 * torch.randn_like(weight))
    if prior != "normal":
        model.spaces["z"] = Space("z", model.spaces["z"].shape, prior)
    save_native(path, model, config=made)
    return path


def save_colorizer(path, seed=0):
    """Write a stage that colours grey pictures."""
    return save_family(path, "conv-colorizer", seed)


def save_kind(folder, kind, seed=0):
    """Write a model of one of `KINDS`, grey all of them, and return its path."""
    from explorer.data.code_book import CodeBook

    path = folder / "model.safetensors"
    if kind == "dcgan":
        return save_family(path, "dcgan", seed, latent_dim=6, widths=(8, 4), channels=1)
    if kind.startswith("fc-vae"):
        save_vae(path, seed=seed)
        if kind.endswith("codes"):
            rng = np.random.default_rng(seed)
            mean = rng.normal(size=(20, 4)).astype(np.float32)
            labels = {"hair": rng.normal(size=20).astype(np.float32), "word": np.array(["a", "b"] * 10)}
            CodeBook(mean, mean * 0 - 1, labels=labels).save(folder / "model.codes.npz")
        return path
    prior = "normal" if kind == "fc-gan" else kind
    layers = (32, "act", 64)
    return save_family(path, "fc-gan", seed, prior, latent_dim=5, layers=layers, height=8, width=8)


# ---- everything there is ----


def part(value):
    """Return a part of a session as something that can be compared, to the bit."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return type(value).__name__, {f.name: part(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return dict(value) if hasattr(value, "items") else value


def state_snapshot(state):
    """Return everything in a state."""
    names = {f.name for f in dataclasses.fields(State)} - BESIDE_STATE
    said = {name: part(getattr(state, name)) for name in names}
    said["model"] = state.opened.model.origin.sha256
    said["stages"] = [(e.id, e.enabled, e.stage.name, e.stage.origin.sha256) for e in state.stages]
    return said


def snapshot(session):
    """Return everything in a session, without what undo holds."""
    return {
        **state_snapshot(session.state),
        "rows": session.rows,
        "focused": session.focused,
        "places": [part(place) for place in session.places.all],
    }


def pixels(session, renderer):
    """Return the picture on the canvas and those along the strip, as the real renderer makes them."""
    from explorer.latent import interpolation

    a, b = session.anchors["A"], session.anchors["B"]
    codes = [session.code[None]]
    if a is not None and b is not None:
        codes.append(interpolation.path(a.code, b.code, session.strip.steps + 2, session.strip.path))
    return renderer.decode(
        session.model, np.concatenate(codes), session.state.space, stages=session.enabled_stages
    )


# ---- actions ----


class Actor:
    """Does random things to a session, through its setters alone."""

    def __init__(self, session, seed, stages=()):
        self.session = session
        self.rng = np.random.default_rng(seed)
        self.stages = stages
        self.actions = [
            getattr(self, name) for name in sorted(dir(self)) if name.startswith(("do_", "often_"))
        ]
        self.actions += [action for action in self.actions if action.__name__.startswith("often_")] * 3

    def act(self, count=1):
        """Do so many things; one that is refused, with a sentence, counts too."""
        for _ in range(count):
            try:
                self.actions[self.rng.integers(len(self.actions))]()
            except ExplorerError:
                continue

    def _index(self):
        return int(self.rng.integers(self.session.dim))

    def _bool(self):
        return bool(self.rng.integers(2))

    def _code(self):
        return (3 * self.rng.normal(size=self.session.dim)).astype(np.float32)

    def _side(self):
        return "AB"[self.rng.integers(2)]

    def _picture(self):
        channels = 3 if self._bool() else 1
        image = self.session.model.image
        return self.rng.integers(0, 256, (image.height, image.width, channels), np.uint8)

    def _place(self):
        places = self.session.places.all
        return places[self.rng.integers(len(places))].id if places else -1

    def often_drag(self):
        index = self._index()
        for value in self.rng.normal(size=5):
            self.session.set_dimension(index, float(value))
        if self._bool():
            self.session.commit()

    def often_set_code(self):
        self.session.set_code(self._code())
        self.session.commit()

    def often_arrive(self):
        self.session.arrive(self._code(), "Map")
        self.session.places.keep("Map")

    def often_undo(self):
        self.session.undo()

    def do_random(self):
        self.session.randomize(int(self.rng.integers(2**32)))

    def do_random_without_seed(self):
        self.session.randomize()

    def do_reset(self):
        self.session.reset()

    def do_lock(self):
        self.session.set_locked(self._index(), self._bool())

    def do_encoded(self):
        self.session.show_encoded(self._code(), self._picture(), "Bild ü.png")

    def do_clear_original(self):
        self.session.clear_original()

    def do_anchor(self):
        self.session.set_anchor(self._side(), Anchor(self._code_frozen(), self._picture(), "drawn"))

    def _code_frozen(self):
        code = self._code()
        code.flags.writeable = False
        return code

    def do_no_anchor(self):
        self.session.set_anchor(self._side(), None)

    def do_use_current(self):
        self.session.use_current(self._side())

    def do_swap(self):
        self.session.swap_anchors()

    def do_strip(self):
        self.session.set_strip(steps=int(self.rng.integers(1, 32)))

    def do_strip_path(self):
        self.session.set_strip(path=["lerp", "slerp"][self._bool()], ends=["source", "decoded"][self._bool()])

    def do_add_stage(self):
        if self.stages and len(self.session.stages) < 4:
            self.session.add_stage(self.stages[self.rng.integers(len(self.stages))])

    def _stage(self):
        stages = self.session.stages
        return stages[self.rng.integers(len(stages))].id if stages else -1

    def do_toggle_stage(self):
        self.session.set_stage_enabled(self._stage(), self._bool())

    def do_move_stage(self):
        self.session.move_stage(self._stage(), int(self.rng.integers(3)))

    def do_remove_stage(self):
        self.session.remove_stage(self._stage())

    def do_plane(self):
        self.session.set_map(plane="pca" if self._bool() else (0, self._index()))

    def do_map(self):
        self.session.set_map(background=self._bool(), colour=[None, "hair", "word"][self.rng.integers(3)])

    def do_rows(self):
        order = ["influence", "number"][self._bool()]
        self.session.set_rows(order=order, thumbnails_all=self._bool(), inactive_open=self._bool())

    def do_focus(self):
        self.session.focus(self._index())

    def do_name(self):
        self.session.name_dimension(
            self._index(), ["", "hair", 'ひらがな "x" \\ 😀', "a"][self.rng.integers(4)]
        )

    def do_note(self):
        self.session.note_dimension(self._index(), ["", "two\nlines\t", "note"][self.rng.integers(3)])

    def do_keep(self):
        self.session.places.keep("kept")

    def do_star(self):
        self.session.places.star(self._place(), self._bool())

    def do_rename(self):
        self.session.places.rename(self._place(), ["", "the smile", "ü"][self.rng.integers(3)])

    def do_remove_place(self):
        if self.rng.integers(4) == 0:
            self.session.places.remove(self._place())

    def do_space(self):
        spaces = list(self.session.model.spaces)
        self.session.set_space(spaces[self.rng.integers(len(spaces))])

    def do_redo(self):
        self.session.redo()


def all_undone(session):
    """Undo everything; return how many steps that were."""
    steps = 0
    while session.can_undo:
        session.undo()
        steps += 1
    return steps


def all_redone(session):
    """Redo everything."""
    while session.can_redo:
        session.redo()
