"""The documentation site: its pages, its settings, and what makes it."""
