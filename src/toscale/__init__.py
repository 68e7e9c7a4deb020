"""ToScale: a system design in one text file, estimated, simulated and judged against its own targets."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Answer `__version__` from the installed package when asked, so that importing toscale stays free."""
    if name == "__version__":
        from importlib.metadata import version

        return version("toscale")
    raise AttributeError(f"module 'toscale' has no attribute {name!r}")
