"""Where the events of a search go beside its log: one file for each service."""
