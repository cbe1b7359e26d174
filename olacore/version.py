"""The version, in one place, and those of what decides how numbers come out."""

__version__ = "0.2.0"
# Of these, another version may give other last bits.
DECISIVE = ("numpy", "numba", "llvmlite")


def versions() -> dict[str, str]:
    """Versions of this package, of Python, and of the packages that compute."""
    import platform
    from importlib.metadata import version

    return {"olacore": __version__, "python": platform.python_version(), **{name: version(name) for name in DECISIVE}}
