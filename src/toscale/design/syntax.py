"""What does a text that is no YAML lack? The parser's refusals in words, with the mend.

Only the first one is known: what follows a place that cannot be read cannot be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from toscale.design.parts import Place
from toscale.design.problems import Problems, quoted

if TYPE_CHECKING:
    import yaml

__all__ = ["add_syntax_error", "line_breaks"]

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def line_breaks(text: str, end: int | None = None) -> Iterator[re.Match[str]]:
    """The line breaks of a text, as YAML counts lines, up to a position."""
    return _BREAK.finditer(text, 0, len(text) if end is None else end)


_SYNTAX = (
    (
        "mapping values are not allowed",
        "A colon with a space after it starts a value, and none can stand here.",
        "Put a text that has a colon in it into quotes, or indent this line less.",
    ),
    (
        "could not find expected ':'",
        "A colon is missing after a key.",
        "Write `key: value`; indent the lines of a longer text alike.",
    ),
    (
        "did not find expected ',' or '}'",
        "A brace `{` is not closed, or a comma is missing.",
        "Write `{key: value, other: value}`.",
    ),
    (
        "did not find expected ',' or ']'",
        "A bracket `[` is not closed, or a comma is missing.",
        "Write `[one, another]`.",
    ),
    (
        "did not find expected key",
        "This line is indented neither like the lines before it nor like any around them.",
        "Indent it exactly like its neighbours.",
    ),
    (
        "did not find expected '-' indicator",
        "A list goes on without its `-`, or this line is indented wrongly.",
        "Begin each entry of a list with `- `, all indented alike.",
    ),
    (
        "found unexpected end of stream",
        "The file ends within a quoted text.",
        "Close the quotes.",
    ),
    (
        "block sequence entries are not allowed",
        "A list entry `- ` cannot stand here.",
        "Begin the list on a line of its own, below its key.",
    ),
    (
        "found undefined alias",
        "A `*` begins an alias, and none of this name was defined above.",
        "Quote a text that begins with `*`.",
    ),
    (
        "while scanning an alias",
        "A `*` begins an alias, which needs a name.",
        "Quote a text that begins with `*`.",
    ),
    (
        "while scanning an anchor",
        "A `&` begins an anchor, which needs a name.",
        "Quote a text that begins with `&`.",
    ),
    (
        "did not find expected <document start>",
        "The text goes on where it should have ended.",
        "Write the whole design as `key: value` lines that begin in the first column.",
    ),
)


def add_syntax_error(error: yaml.YAMLError, text: str, file: str, problems: Problems) -> None:
    """Add the problem that a refusal of the parser is."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    place = Place(file, line, column, line, column + 1)
    index = min(mark.index, len(text)) if mark else 0
    before = _BREAK.split(text[max(0, index - 500) : index])[-1]
    said = f"{getattr(error, 'problem', None) or ''}; {getattr(error, 'context', None) or ''}"
    if "\t" in before + text[index : index + 1] and not before.strip():
        problems.add(
            "TS005", place, "A tab indents this line.", "Indent with spaces: YAML allows no tabs here."
        )
        return
    character = text[index : index + 1]
    if "cannot start any token" in said:
        message = f"A text cannot begin with {quoted(character)}."
        problems.add("TS004", place, message, "Put the text into quotes.")
        return
    for part, message, suggestion in _SYNTAX:
        if part in said:
            problems.add("TS004", place, message, suggestion)
            return
    reason = said.strip("; ") or "it ends unexpectedly"
    problems.add("TS004", place, f"This is not YAML: {reason}.", "Quote texts that have signs in them.")
