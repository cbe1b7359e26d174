"""
Draw what a text says
=====================

A set of modules draws small pictures of texts, in NumPy alone: see :doc:`/generate`.
"""

import matplotlib.pyplot as plt

import olacore

generator = olacore.Generator("google64", kernels=False)  # loads once; without kernels nothing is compiled


def show(pictures, titles):
    figure, axes = plt.subplots(1, len(pictures), figsize=(1.6 * len(pictures), 1.9))
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=7)
        axis.axis("off")
    figure.tight_layout()


# %%
# The last of these is a combination that training never saw.

prompts = ["a red heart", "a rocket", "a cat", "woman firefighter: dark skin tone"]
show([generator.draw(prompt)[0].picture for prompt in prompts], prompts)

# %%
# **Variety** starts from noise, and so each seed gives another picture. With 0, the default, nothing is left to chance.

drawings = generator.draw("a cat", count=4, variety=2.0, seed=7)
show([drawing.picture for drawing in drawings], [f"seed {7 + number}" for number in range(4)])

# %%
# What is not known is said, and the nearest training picture can be asked for.

(drawing,) = generator.draw("a zebra on a surfbord")
print(*drawing.notes, sep="\n")
print("nearest training picture:", drawing.nearest)
