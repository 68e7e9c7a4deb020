"""Which colours has a drawing, in the light and in the dark?

The hues are those of Okabe and Ito (Color universal design, 2008), which people with any of the usual kinds of
colour blindness can tell apart; outlines are darkened for white paper and lightened for black, to a contrast of
3 to 1 and more. No meaning rests on colour alone: kinds differ by outline, sign and caption, loads by hatching and
words.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from toscale.kinds import Category

__all__ = ["CATEGORIES", "DARK", "LIGHT", "Theme", "style"]

Theme: TypeAlias = Literal["auto", "light", "dark"]
"""The colours: those that the reader's system prefers, or one of the two."""

CATEGORIES: dict[Category, str] = {
    Category.USER: "user",
    Category.EDGE: "edge",
    Category.CODE: "code",
    Category.MEMORY: "memory",
    Category.DATA: "data",
    Category.MESSAGES: "messages",
    Category.OUTSIDE: "outside",
}
"""The class of what belongs to a category."""

LIGHT: dict[str, str] = {
    "paper": "#ffffff",
    "ink": "#1b2330",
    "quiet": "#56616f",
    "line": "#6a7686",
    "track": "#d5dbe3",
    "frame": "#9aa5b3",
    "calm": "#0a7a55",
    "busy": "#b06a00",
    "overloaded": "#c2410c",
    "user": "#4b5563",
    "user-fill": "#f1f3f6",
    "edge": "#2f8fc4",
    "edge-fill": "#e9f4fb",
    "code": "#0b5fa5",
    "code-fill": "#e6eff8",
    "memory": "#b97800",
    "memory-fill": "#fdf3df",
    "data": "#0a7a55",
    "data-fill": "#e3f4ed",
    "messages": "#a8487e",
    "messages-fill": "#f9ebf3",
    "outside": "#6a7686",
    "outside-fill": "#ffffff",
}
"""The colours on white paper."""

DARK: dict[str, str] = {
    "paper": "#12161c",
    "ink": "#e8edf3",
    "quiet": "#a7b3c1",
    "line": "#8996a6",
    "track": "#3a4553",
    "frame": "#5b6877",
    "calm": "#4cc79b",
    "busy": "#f0b040",
    "overloaded": "#ff8a5c",
    "user": "#b4bfcc",
    "user-fill": "#1e252e",
    "edge": "#6fc0ee",
    "edge-fill": "#15283a",
    "code": "#5aa5ea",
    "code-fill": "#152538",
    "memory": "#efb548",
    "memory-fill": "#2f2612",
    "data": "#4cc79b",
    "data-fill": "#12291f",
    "messages": "#e08fbd",
    "messages-fill": "#2e1c28",
    "outside": "#8996a6",
    "outside-fill": "#12161c",
}
"""The colours in the dark."""

FONT = 'Roboto, "Helvetica Neue", Helvetica, Arial, "Liberation Sans", Arimo, sans-serif'

_RULES = (
    ".toscale text{font-family:FONT;fill:@ink}"
    ".toscale .ts-paper{fill:@paper}"
    ".toscale .ts-quiet{fill:@quiet}"
    ".toscale .ts-name{font-weight:bold}"
    ".toscale .ts-line{fill:none;stroke:@line;stroke-linejoin:round}"
    ".toscale .ts-inner{stroke:@paper}"
    ".toscale .ts-message{stroke-dasharray:6 4}"
    ".toscale .ts-head{fill:@line;stroke:@line;stroke-linejoin:round}"
    ".toscale .ts-open{fill:@paper}"
    ".toscale .ts-frame{fill:none;stroke:@frame;stroke-dasharray:2 4;stroke-linecap:round}"
    ".toscale .ts-track{fill:@track}"
    ".toscale .ts-hatch{fill:none;stroke:@paper;stroke-width:1.4}"
    ".toscale .ts-outline{stroke-width:1.6;stroke-linejoin:round}"
    ".toscale .ts-detail{fill:none;stroke-width:1.3;stroke-linecap:round;stroke-linejoin:round}"
    ".toscale .ts-beyond{stroke-dasharray:5 3}"
)


def style(theme: Theme, more: str = "") -> str:
    """The style sheet of a drawing, with `more` rules, in which `@` stands before the name of a colour. "auto"
    follows the reader's system, with white paper in print; the two others need no support for variables.
    """
    rules = _RULES.replace("FONT", FONT) + more
    for name in CATEGORIES.values():
        rules += f".toscale .ts-of-{name} .ts-outline{{fill:@{name}-fill;stroke:@{name}}}"
        rules += f".toscale .ts-of-{name} .ts-detail{{stroke:@{name}}}"
    for name in ("calm", "busy", "overloaded"):
        rules += f".toscale .ts-{name}{{fill:@{name}}}"
    if theme != "auto":
        return _filled(rules, LIGHT if theme == "light" else DARK)
    variables = {name: f"var(--toscale-{name})" for name in LIGHT}
    return (
        f".toscale{{{_declared(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{.toscale{{{_declared(DARK)}}}}}"
        f"@media print{{.toscale{{{_declared(LIGHT)}}}}}" + _filled(rules, variables)
    )


def _filled(rules: str, colours: dict[str, str]) -> str:
    for name in sorted(colours, key=len, reverse=True):
        rules = rules.replace(f"@{name}", colours[name])
    return rules


def _declared(colours: dict[str, str]) -> str:
    return "".join(f"--toscale-{name}:{value};" for name, value in colours.items())
