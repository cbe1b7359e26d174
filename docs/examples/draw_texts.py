"""
Draw what a text says
=====================

A set of modules draws small pictures of texts, in NumPy alone.
"""

import matplotlib.pyplot as plt

import olacore

generator = olacore.Generator("google64")
prompts = ["a red heart", "a rocket", "woman astronaut: dark skin tone", "a cat"]

# %%
# One call draws one prompt; `count` gives several pictures of it.

figure, axes = plt.subplots(1, len(prompts), figsize=(8, 2.4))
for axis, prompt in zip(axes, prompts, strict=True):
    axis.imshow(generator.draw(prompt)[0].picture)
    axis.set_title(prompt, fontsize=7)
    axis.axis("off")
figure.tight_layout()
