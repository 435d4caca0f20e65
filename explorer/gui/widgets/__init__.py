"""Small reusable widgets without knowledge of latents."""
