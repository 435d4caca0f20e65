"""Small stand-ins with real behaviour: a tiny VAE, networks that misbehave, a renderer that can be held."""

import threading

from explorer.models import architecture


def tiny_vae(seed: int = 0, latent_dim: int = 4, side: int = 8, name: str = "tiny"):
    """Return a real `fc-vae` of `side` x `side` grey pictures with fixed random weights."""
    import torch

    family = architecture("fc-vae")
    config = family.config(height=side, width=side, hidden=(32, 16), latent_dim=latent_dim)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = family.network(config)
        with torch.no_grad():
            for weight in network.decoder.parameters():
                weight.mul_(4.0)
            network.decoder[-1].bias.add_(128.0)
    return family.wrap(network.eval(), config, name=name)


class Misbehaviour:
    """Makes the networks of a model do something else than decode, while `does` is set.

    Attributes:
        does: None (behave), an exception to raise, `hang` until `release()`, or a function of the good pictures
            whose value is given instead.
        hanging: set while a call hangs.
    """

    PATIENCE = 20.0

    def __init__(self, does=None):
        self.does = does
        self.hanging = threading.Event()
        self._released = threading.Event()

    def release(self):
        """Let what hangs go on, and nothing hang any more."""
        self.does = None
        self._released.set()

    def apply(self, pictures):
        """Return what is given instead of these pictures."""
        does = self.does
        if does is None:
            return pictures
        if isinstance(does, BaseException):
            raise does
        if does == "hang":
            self.hanging.set()
            assert self._released.wait(self.PATIENCE), "nobody released the network that hangs"
            return pictures
        return does(pictures)


def misbehaving_vae(does=None, seed: int = 0, name: str = "wild"):
    """Return a `tiny_vae` whose decoder does what `model.misbehaviour.does` says."""
    model = tiny_vae(seed, name=name)
    behave = model.decode_raw
    model.misbehaviour = Misbehaviour(does)
    model.decode_raw = lambda *args: model.misbehaviour.apply(behave(*args))
    model.network.__class__ = type("Wild", (type(model.network),), {"chain": None})
    return model


def misbehaving_stage(does=None, name: str = "wild stage"):
    """Return a stage that copies grey pictures, or does what `stage.misbehaviour.does` says."""
    from torch import nn

    from explorer.models.base import ImageSpec, StageModel

    any_size = ImageSpec(1)
    stage = StageModel(nn.Identity(), name=name, architecture="test", input=any_size, output=any_size)
    stage.misbehaviour = Misbehaviour(does)
    stage.apply_raw = lambda images: stage.misbehaviour.apply(images)
    return stage


def instant_pictures(session):
    """Return a real `PictureSource` whose worker answers within `submit`, in the calling thread.

    `worker.requests` lists what was asked; `worker.held = True` keeps requests in `worker.waiting` (newest of a
    slot) until `worker.release()`.
    """
    from PySide6.QtCore import QObject, Signal

    from explorer.gui.pictures import PictureSource
    from explorer.render.renderer import Renderer

    class InstantWorker(QObject):
        result = Signal(object)
        progressed = Signal(object, float)

        def __init__(self):
            super().__init__()
            self.renderer = Renderer("cpu")
            self.requests = []
            self.waiting = {}
            self.held = False
            self.is_dragging = False

        def submit(self, request):
            self.requests.append(request)
            if self.held:
                self.waiting[request.slot] = request
            else:
                self.result.emit(self.renderer.render(request))

        def release(self):
            self.held = False
            while self.waiting:
                self.result.emit(self.renderer.render(self.waiting.pop(next(iter(self.waiting)))))

        def cancel(self, slot_prefix):
            self.waiting = {s: r for s, r in self.waiting.items() if not s.startswith(slot_prefix)}

        def set_dragging(self, dragging):
            self.is_dragging = dragging

        def set_generation(self, generation):
            self.waiting = {s: r for s, r in self.waiting.items() if r.generation >= generation}

    worker = InstantWorker()
    source = PictureSource(session, worker)
    source.worker = worker
    return source


def autoencoder(
    seed: int = 0, latent_dim: int = 3, scale: float = 4.0, last: str = "relu", name: str = "plain"
):
    """Return a plain autoencoder of 8x8 grey pictures, with no prior; `scale`: its codes are about that large."""
    import torch

    from explorer.models.base import ImageSpec
    from explorer.models.layered import Heads, Layered, LayeredConfig, LayeredModel
    from explorer.models.layers import Layer

    rng = torch.Generator().manual_seed(seed)
    tensors = {
        "enc.weight": scale * torch.randn(latent_dim, 64, generator=rng) / 4,
        "dec.weight": 3 / scale * torch.randn(64, latent_dim, generator=rng),
    }
    config = LayeredConfig(
        latent_dim=latent_dim,
        image=ImageSpec(1, 8, 8),
        decoder=(Layer("linear", "dec"), Layer("sigmoid")),
        encoder=(Layer("flatten"), Layer("linear", "enc"), Layer(last)),
        heads=Heads("single"),
        prior="none",
    )
    return LayeredModel(Layered(config, tensors), name=name)


def conditional(seed: int = 0, classes: int = 5, name: str = "digits"):
    """Return a generator of 8x8 grey pictures whose class, one-hot beside the 3-D code, decides most of them."""
    import torch

    from explorer.models.base import ImageSpec
    from explorer.models.layered import Labels, Layered, LayeredConfig, LayeredModel
    from explorer.models.layers import Layer

    rng = torch.Generator().manual_seed(seed)
    weight = torch.randn(64, 3 + classes, generator=rng)
    weight[:, 3:] *= 4
    config = LayeredConfig(
        latent_dim=3,
        image=ImageSpec(1, 8, 8),
        decoder=(Layer("linear", "dec"), Layer("sigmoid")),
        labels=Labels(classes),
    )
    return LayeredModel(Layered(config, {"dec.weight": weight}), name=name)
