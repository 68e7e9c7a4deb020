"""ToScale: a system design in one text file, estimated, simulated and judged against its own targets.

>>> from toscale import Design
>>> Design.from_text("estimates: {links: 100M / month}").estimate()["links"].shown()
'38/s'

`toscale.api` shows what a design can do. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toscale.api import Design, DesignError, Problem

    __version__: str

__all__ = ["Design", "DesignError", "Problem", "__version__"]


def __getattr__(name: str) -> Any:
    """Find a public name when it is asked for, so that importing toscale stays free."""
    if name == "__version__":
        from importlib.metadata import version

        return version("toscale")
    if name in __all__:
        from toscale import api

        return getattr(api, name)
    raise AttributeError(f"module 'toscale' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
