"""What the site is made with, beside the extensions of Sphinx."""
