"""Which colours has a document? One set for white paper, one for dark screens; each name means the same in both.

Words have a contrast of at least 4.5 to 1 to what is behind them, lines and bars of at least 3 to 1.
"""

from __future__ import annotations

__all__ = ["DARK", "LIGHT", "declared", "variables"]

LIGHT = {
    "ink": "#1b2330",
    "quiet": "#5a6675",
    "paper": "#ffffff",
    "panel": "#f5f7fa",
    "rule": "#d9dfe7",
    "one": "#1f5fae",
    "two": "#9a5b00",
    "bar-two": "#8db3dd",
    "high": "#b3261e",
    "target": "#b3261e",
    "met": "#1a6d3b",
    "at-risk": "#8a5a00",
    "missed": "#b3261e",
    "unknown": "#6d3f9c",
    "link": "#1f5fae",
}
"""On white paper."""

DARK = {
    "ink": "#e4e9f0",
    "quiet": "#a3afbe",
    "paper": "#12161c",
    "panel": "#1b212a",
    "rule": "#333d4a",
    "one": "#6fa9f0",
    "two": "#e0a44c",
    "bar-two": "#37608f",
    "high": "#ff8a80",
    "target": "#ff8a80",
    "met": "#6fcf97",
    "at-risk": "#f2c069",
    "missed": "#ff8a80",
    "unknown": "#c9a2f2",
    "link": "#8abaf5",
}
"""In the dark."""


def declared(colours: dict[str, str]) -> str:
    """The colours as variables of a style sheet: `--ink:#1b2330;`."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def variables() -> dict[str, str]:
    """Each name with its variable: `var(--ink)`."""
    return {name: f"var(--{name})" for name in LIGHT}
