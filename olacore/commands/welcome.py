"""What `ola` says where nothing else is asked for."""

WELCOME = """\
Tiny modules that draw, decode and encode pictures, evolved on a plain CPU.

draw     ola generate "a red heart" -o heart.png
decode   ola decode latent.npy -o picture.png     latents of SD 1.5, SDXL and SD 3; `ola list` has the modules
train    ola demo                                 draws, then evolves small modules while you wait
         ola train --module encoder --h5 DATA.h5  your own; `ola precompute` makes the data
see      ola watch                                the run that goes on
         ola inspect FILE                         what a file holds

`ola --help` lists all commands, `ola COMMAND --help` says what one takes."""
