"""How the engine's source becomes machine code: numba, cached once for each version of that source.

numba's own cache notices a change only in the file that holds the function, not in the files it calls; so the
cache lives in a folder named by the hash of the whole engine. `TOSCALE_ENGINE=interpreted` runs the same
source as plain Python: the debugger, and the oracle that the compiled code is compared with.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

INTERPRETED = os.environ.get("TOSCALE_ENGINE") == "interpreted"


def _caches() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # an account without a home
        return Path(tempfile.gettempdir())


@cache
def cache_folder() -> Path:
    """Where the compiled engine is kept: under XDG_CACHE_HOME or ~/.cache, else under the temporary folder."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"engine-{digest.hexdigest()[:16]}"
    for base in (_caches(), Path(tempfile.gettempdir())):
        folder = base / "toscale" / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(
        "nowhere to keep the compiled engine: neither the cache folder nor the temporary folder can be written"
    )


def compiled_before() -> bool:
    """Whether the engine of this version has been compiled on this machine (the first run takes longer
    otherwise).
    """
    return INTERPRETED or any(cache_folder().rglob("*advance*.nbc"))


if INTERPRETED:

    def prefetch(array: Any, index: Any) -> None:
        """Nothing: plain Python has no processor cache to think of."""

else:
    from toscale.engine.compiled_state import prefetch as prefetch


def jit(function: F) -> F:
    """Compiles on first use; strict IEEE arithmetic, so that compiled and interpreted runs give the same
    figures.
    """
    return _compiled(function, inline="never")


def inlined(function: F) -> F:
    """Compiles as a part of its caller, without the cost of a call: for what is called in one place, often."""
    return _compiled(function, inline="always")


def _compiled(function: F, inline: str) -> F:
    if INTERPRETED:
        return function
    import numba

    from toscale.engine import compiled_state  # noqa: F401 (teaches numba what a state is)

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder())
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", inline=inline)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before
