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
from functools import cache, cached_property, update_wrapper
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


def entry(function: F) -> F:
    """Compiles on first use, with all that it calls, and keeps that: for what plain Python calls. Strict IEEE
    arithmetic, so that compiled and interpreted runs give the same figures.
    """
    return _compiled(function, cache=True)


def jit(function: F) -> F:
    """Compiles with the first of its callers, for which alone it is kept. Where plain Python calls it, it is an
    entry as well: the way in from there takes the compiler as long as a small function.
    """
    return function if INTERPRETED else _Within(function)  # type: ignore[return-value]


def inlined(function: F) -> F:
    """Compiles as a part of its caller, without the cost of a call: for what is called in one place, often."""
    return _compiled(function, inline="always")


def address_of(function: Any, numbers: int) -> int:
    """Where the machine code of an entry is, which takes a state and so many whole numbers and gives one back."""
    import numba

    from toscale.engine.compiled_state import StateType

    found = function.get_compile_result(numba.int64(StateType(), *[numba.int64] * numbers))
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_cfunc_wrapper_name))


class _Within:
    """A function that compiled code calls: to numba it is one without a way in from Python."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function
        self.within = _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)
        update_wrapper(self, function)

    @cached_property
    def _numba_type_(self) -> Any:
        from numba.core import types

        return types.Dispatcher(self.within)

    @cached_property
    def from_python(self) -> Any:
        return entry(self.__wrapped__)

    def __call__(self, *arguments: Any) -> Any:
        return self.from_python(*arguments)


def _compiled(function: F, **options: Any) -> F:
    if INTERPRETED:
        return function
    import numba

    from toscale.engine import compiled_state  # noqa: F401 (teaches numba what a state is)

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder())
    try:
        return numba.njit(nogil=True, error_model="numpy", **options)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = before
