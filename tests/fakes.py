"""Small stand-ins with real behaviour: a tiny VAE, a renderer that can be held."""

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
