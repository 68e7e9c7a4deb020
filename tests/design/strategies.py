"""Designs that are broken on purpose: the examples with their bytes, or their values, changed at random."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from toscale.design.build import node_of, write
from toscale.design.source import plain, read_source

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.design.yaml"))
TEXTS = {path.name.removesuffix(".design.yaml"): path.read_text(encoding="utf-8") for path in EXAMPLES}


def values_of(text: str) -> dict[str, Any]:
    source, _ = read_source(text)
    assert source is not None
    assert source.root is not None
    return plain(source.root)


VALUES = {name: values_of(text) for name, text in TEXTS.items()}

ODD_TEXTS = (
    *(
        "",
        " ",
        "none",
        "3 s",
        "5 / s",
        "a",
        "x.y.z",
        "{",
        "p99(",
        "p99(x) <= 1 s",
        "1e308 * 1e308",
        "10 to 5",
    ),
    *(
        "__import__('os')",
        "$(rm -rf /)",
        "between 1 s and",
        "4 ms (p99",
        "no x is left",
        "a has a b",
        "x until y",
    ),
    *(
        "50% of the time",
        "A > B",
        " > ",
        "x" * 300,
        "per",
        "per x",
        "zipf()",
        "over",
        "pareto()",
        "a of b",
        "1/s",
    ),
    *(
        "those whose x is over",
        "0 s",
        "1e12/s",
        "500B",
        "\u2028",
        "é😀",
        "- a",
        "#",
        "a: b",
        "each",
        "in vain",
    ),
)
ODD_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.none(),
    st.booleans(),
    st.integers(-10, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            [],
            {},
            [[]],
            {"a": 1},
            {"in place of": []},
            {"each": "3", "then": []},
            {"wait": None},
            [{"run": "x"}],
        ]
    ),
)


def collections_in(value: Any) -> list[Any]:
    found = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found.append(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            found.append(value)
            waiting.extend(value)
    return found


@st.composite
def mutated_values(draw: st.DrawFn) -> dict[str, Any]:
    """An example whose values were changed, removed, added or taken from elsewhere in the examples."""
    values = copy.deepcopy(draw(st.sampled_from(list(VALUES.values()))))
    elsewhere = collections_in(draw(st.sampled_from(list(VALUES.values()))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(collections_in(values)))
        new = copy.deepcopy(draw(ODD_VALUES if draw(st.booleans()) else st.sampled_from(elsewhere)))
        if isinstance(place, list):
            place.insert(draw(st.integers(0, len(place))), new)
            continue
        keys = list(place)
        action = draw(st.sampled_from(["change", "remove", "add"]))
        if action == "add" or not keys:
            place[draw(st.sampled_from(["zz", "name", "then", "a.b", "wait", "steps", "of", "for", "é"]))] = (
                new
            )
        elif action == "change":
            place[draw(st.sampled_from(keys))] = new
        else:
            place.pop(draw(st.sampled_from(keys)))
    return values


@st.composite
def mutated_texts(draw: st.DrawFn) -> bytes:
    """The bytes of an example with some taken out, put in, changed or doubled; or a text of changed values."""
    if draw(st.booleans()):
        return write(node_of(draw(mutated_values()))).encode("utf-8")
    data = bytearray(draw(st.sampled_from(list(TEXTS.values()))).encode("utf-8"))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                del data[at : at + draw(st.integers(1, 40))]
            case 1:
                data[at:at] = draw(st.binary(min_size=1, max_size=3))
            case 2:
                data[at : at + 1] = bytes([draw(st.sampled_from(b" \n:{}[],-#&*!|>'\"%@`\t\r0>.()"))])
            case 3:
                start = draw(st.integers(0, max(0, len(data) - 1)))
                data[at:at] = data[start : start + draw(st.integers(1, 200))]
            case _:
                del data[at:]
    return bytes(data)
