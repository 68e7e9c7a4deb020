"""Edits of the examples: of comments and positions, which change no meaning, and of single values, which do."""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import strategies as st

from tests.design.strategies import TEXTS, VALUES
from toscale.design import Design

NAMES = st.sampled_from(sorted(TEXTS))
WORDS = st.text("abc: #'\"{[-é", max_size=20)
PLACES = st.lists(st.integers(0, 10_000), max_size=6)
POSITIONS = st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=1, max_size=8)


def commented(text: str, places: list[int], comment: str) -> str:
    """The text with comment lines of the file's own indentation between its lines."""
    lines = text.splitlines(keepends=True)
    for place in sorted(places, reverse=True):
        at = place % (len(lines) + 1)
        lines.insert(at, f"  # {comment}\n")
    return "".join(lines)


def moved(text: str, positions: list[tuple[int, int]]) -> str:
    """The text with its components at positions of the canvas."""
    components = Design.from_text(text).components
    placed = [f"  {name}: [{x}, {y}]" for name, (x, y) in zip(components, positions, strict=False)]
    return "\n".join([text.rstrip("\n"), "layout:", *placed, ""]) if placed else text


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all scalars."""
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        return [path]
    return [found for key, part in inner for found in places_in(part, (*path, key))]


def changed_at(values: Any, path: tuple[Any, ...], new: Any) -> Any:
    values = copy.deepcopy(values)
    part = values
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = new
    return values


def value_at(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def edits(name: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Changes of one value that no other part depends on: prose, and plain times and numbers."""
    found = []
    for path in places_in(VALUES[name]):
        old = value_at(VALUES[name], path)
        if path[0] in ("title", "brief", "refinements") or path[:2] in (
            ("requirements", "functional"),
            ("requirements", "users"),
            ("requirements", "extra"),
            ("requirements", "out_of_scope"),
        ):
            found.append((path, f"{old} And more."))
        elif path[0] in ("flows", "components", "estimates") and re.fullmatch(
            r"[0-9.]+ (ms|s|min|GB)", str(old)
        ):
            found.append((path, f"1{old}"))
    return found


EDITS = {name: edits(name) for name in VALUES}
