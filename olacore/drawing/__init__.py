"""Text in, picture out: sets of modules, and what draws with them."""
