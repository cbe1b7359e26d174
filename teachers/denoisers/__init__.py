"""Denoisers of diffusers pipelines as teachers: what is left of a noisy latent when its noise is taken away."""
