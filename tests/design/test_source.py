"""Bytes become nodes with places by YAML 1.2, or problems; nothing hostile gets further."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.design.source import Mapping, Scalar, plain, read_source


def value(text):
    source, problems = read_source(text)
    assert not problems.failed, problems.sorted()
    return plain(source.root)


def codes(data):
    _, problems = read_source(data)
    return [problem.code for problem in problems.sorted()]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("1e999", "1e999"),
        ("9" * 50, "9" * 50),
        ('"12"', "12"),
        ("2026-11-24", "2026-11-24"),
        ("4 ms", "4 ms"),
    ],
)
def test_scalars_are_those_of_the_core_schema_of_yaml_1_2(written, meant):
    found = value(f"a: {written}\n")["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_places_count_lines_and_characters_from_one_and_ends_are_exclusive():
    source, _ = read_source("title: é😀x\nestimates:\n  peak: 3 # why\n", "f")
    estimates = source.root.get("estimates")
    peak = estimates.get("peak")
    assert str(peak.place) == "f:3:9"
    assert (peak.place.end_line, peak.place.end_column) == (3, 10)
    assert source.text[peak.start : peak.end] == "3"
    assert (estimates.place.line, estimates.place.end_line, estimates.place.end_column) == (3, 3, 10)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_break_counts_as_one(newline):
    source, _ = read_source(newline.join(["a: 1", "b: 2", "c: 3", ""]))
    assert [key.place.line for key, _ in source.root.items] == [1, 2, 3]


def test_a_byte_order_mark_is_left_out():
    source, problems = read_source(b"\xef\xbb\xbftitle: x\n")
    assert plain(source.root) == {"title": "x"}
    assert problems.sorted() == ()


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~"])
def test_a_text_that_says_nothing_is_no_error(text):
    source, problems = read_source(text)
    assert source.root is None
    assert problems.sorted() == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a: " + b"x" * 1_000_001, "TS001"),
        ("title: x".encode("utf-16"), "TS002"),
        (b"title: \xff\n", "TS002"),
        (b"title: \x00\n", "TS003"),
        ("title: \ud800", "TS003"),
        ("a: [" * 5_000, "TS006"),
        ("".join(f"{' ' * n}a:\n" for n in range(100)), "TS006"),
        ("a: &a [*a]\n", "TS007"),
        ("a: &a 1\nb: [" + "*a, " * 101 + "]\n", "TS007"),
        ("".join(f"k{n}: 1\n" for n in range(40_000)), "TS008"),
        ("title: " + "x" * 20_001, "TS008"),
    ],
)
def test_what_is_too_much_or_unreadable_is_one_clear_problem(data, code):
    assert codes(data) == [code]


def test_a_yaml_bomb_is_refused_by_what_it_would_become():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert codes("\n".join(rows)) == ["TS008"]


def test_an_alias_stands_for_its_value():
    assert value("a: &x {k: 1}\nb: *x\n") == {"a": {"k": 1}, "b": {"k": 1}}


def test_a_byte_that_is_no_utf8_is_shown_where_it_stands():
    _, problems = read_source("títle: x\nbr".encode() + b"\xff")
    assert str(problems.sorted()[0].place) == "<text>:2:3"


def test_a_comma_in_braces_suggests_the_quotes_that_were_meant():
    _, problems = read_source("{over: 30 days, 4 hours}")
    (problem,) = problems.sorted()
    assert problem.code == "TS013"
    assert '`over: "30 days, 4 hours"`' in problem.suggestion


@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
    )
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_end_in_nodes_or_problems(data):
    source, problems = read_source(data)
    assert source is not None or problems.failed
    if source is not None and source.root is not None:
        waiting = [source.root]
        while waiting:
            node = waiting.pop()
            assert 0 <= node.start <= node.end <= len(source.text)
            if isinstance(node, Scalar):
                continue
            for child in node.items:
                waiting.extend(child if isinstance(node, Mapping) else [child])
