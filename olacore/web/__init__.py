"""`ola serve`: a page that draws while you type, and the addresses that clients of other servers call."""
