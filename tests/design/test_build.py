"""The model built from plain values is the model read from the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.design.strategies import TEXTS, VALUES, values_of
from toscale.design import Design, DesignError
from toscale.design.build import node_of, quote, write
from toscale.design.source import plain, read_source


@pytest.mark.parametrize("name", TEXTS)
def test_a_design_from_values_equals_the_one_that_was_read(name):
    read = Design.from_text(TEXTS[name])
    built = Design.from_dict(VALUES[name])
    assert built == read
    assert built.fingerprints() == read.fingerprints()
    assert built.to_dict() == read.to_dict() == VALUES[name]
    assert Design.from_text(built.to_yaml()) == read


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_of_a_design_that_was_read_is_its_text(name):
    assert Design.from_text(TEXTS[name]).to_yaml() == TEXTS[name]


def test_a_changed_design_is_written_with_its_change():
    design = Design.from_text(TEXTS["url_shortener"]).with_change({"estimates.peak": 5})
    again = Design.from_text(design.to_yaml())
    assert again == design
    assert str(again.estimates["peak"]) == "5"


def test_numbers_and_booleans_may_be_those_of_python():
    values = {
        "components": {"app": {"kind": "service", "replicas": 9, "async": True}},
        "flows": {"tick": {"every": "5 s", "steps": [{"app": "1 ms"}]}},
        "estimates": {"share": 0.25},
    }
    design = Design.from_dict(values)
    assert design.components["app"].is_async is True
    assert str(design.estimates["share"]) == "0.25"


def test_an_error_has_its_place_in_the_text_that_the_values_become():
    with pytest.raises(DesignError) as error:
        Design.from_dict({"components": {"app": {"kind": "servcie"}}})
    assert error.value.problems[0].place.line == 2


@pytest.mark.parametrize(
    "value", [{"a": {1.5: 1}}, {"a": object()}, {"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}]
)
def test_what_no_file_could_have_is_refused(value):
    with pytest.raises(TypeError):
        Design.from_dict(value)


def test_values_without_an_end_are_refused():
    endless: dict[str, object] = {}
    endless["a"] = endless
    with pytest.raises(TypeError):
        Design.from_dict(endless)


PRINTABLE = st.text(max_size=30)


@given(PRINTABLE)
@settings(max_examples=300, deadline=None)
def test_any_text_is_written_so_that_it_reads_as_itself(text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return
    assert values_of(f"a: {quote(text)}\n") == {"a": text}
    assert values_of(f"a: [{quote(text, in_flow=True)}, b]\n") == {"a": [text, "b"]}
    assert values_of(f"{{{quote(text, in_flow=True)}: b}}\n") == {text: "b"}


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        PRINTABLE,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(PRINTABLE, inner, max_size=4)),
    max_leaves=15,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_values_are_written_so_that_they_read_as_themselves(values):
    assert values_of(write(node_of(values))) == values


@pytest.mark.parametrize("text", [":>|", "?>>", ":x", "?x", "a:b", "a?b", "-x"])
def test_a_text_within_braces_reads_as_it_was(text):
    source, problems = read_source(f"{{a: {quote(text, in_flow=True)}, b: 1}}")
    assert not problems.failed
    assert plain(source.root) == {"a": text, "b": 1}
