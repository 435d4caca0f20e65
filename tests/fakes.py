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
