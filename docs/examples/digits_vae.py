"""Train a small VAE on handwritten digits, and write it so that Latent Explorer opens it.

Usage: python digits_vae.py $EXPLORER_REFERENCE_DATA/mnist-10k/t10k-images-idx3-ubyte.gz digits.safetensors
"""

import sys

import torch
from torch.nn import functional

from explorer.data.images import read_pictures
from explorer.formats.native import save_native
from explorer.models import architecture
from explorer.models.base import ImageSpec, NativeRange


def main(data: str, out: str, epochs: int = 10) -> None:
    """Train on the pictures at `data` and write the model to `out`."""
    torch.manual_seed(0)
    family = architecture("fc-vae")
    config = family.config(height=28, width=28, hidden=(400, 64), latent_dim=8)
    network = family.network(config)  # an ordinary torch.nn.Module
    pictures = read_pictures(data, ImageSpec(1, 28, 28)).images  # uint8 (N, 28, 28, 1)
    images = torch.tensor(pictures).permute(0, 3, 1, 2).float() / 255  # (N, 1, 28, 28)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for epoch in range(epochs):
        for batch in images[torch.randperm(len(images))].split(64):
            mean, logvar = network.encode(batch)
            codes = mean + (logvar / 2).exp() * torch.randn_like(mean)
            # A Gaussian likelihood, its spread (0.25) about what the pictures are missed by.
            error = functional.mse_loss(network.decode(codes), batch, reduction="sum") / (2 * 0.25**2)
            kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum()
            loss = (error + kl) / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: {loss.item():.1f}")
    model = family.wrap(network.eval(), config, name="digits")
    model.native_range = NativeRange(0.0, 1.0)  # what it was trained on; 0..255 is the family's own
    save_native(out, model, config=config, trained={"data": "MNIST test digits", "epochs": epochs})


if __name__ == "__main__":
    main(*sys.argv[1:3])
