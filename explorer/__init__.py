"""Latent Explorer: look inside trained image generators."""

__version__ = "0.1.0"
