"""A small real teacher: a text-conditioned denoiser trained with torch on captioned latents, saved as a pipeline."""
