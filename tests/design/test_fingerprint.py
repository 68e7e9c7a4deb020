"""A fingerprint is that of the meaning: the same for all ways to write it, another for another meaning."""

from __future__ import annotations

import random

import pytest

from tests.design.strategies import TEXTS, VALUES
from toscale.design import Design


def shuffled(value, rng):
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", TEXTS)
def test_comments_style_layout_and_agreements_do_not_matter(name):
    design = Design.from_text(TEXTS[name])
    component = next(iter(design.components))
    text = Design.from_dict(VALUES[name]).to_yaml()
    text += f"layout: {{{component}: [10, 20]}}\nagreements: {{flows: {{by: [Ann]}}}}\n# the end\n"
    assert Design.from_text(text).fingerprints() == design.fingerprints()


@pytest.mark.parametrize("name", TEXTS)
def test_the_order_of_keys_does_not_matter_where_steps_keep_theirs(name):
    values = VALUES[name]
    rng = random.Random(7)
    mixed = {key: value if key == "flows" else shuffled(value, rng) for key, value in values.items()}
    mixed["flows"] = dict(reversed(values["flows"].items()))
    assert Design.from_dict(mixed).fingerprints() == Design.from_dict(values).fingerprints()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1000", "1k"),
        ("1_000", "1000"),
        ("0.5 s", "500 ms"),
        ("2 *  peak", "2*peak"),
        ("1M to 3 M", "1M to 3M"),
        ("60 / min", "1 / s"),
        ("50%", "0.5"),
    ],
)
def test_how_a_number_is_written_does_not_matter(one, other):
    texts = [f"estimates: {{peak: 3, load: {written}}}" for written in (one, other)]
    first, second = (Design.from_text(text).fingerprints() for text in texts)
    assert first == second


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("p99(look) <= 150 ms", "p99( look )  <= 0.15 s", True),
        ("p99(look) <= 150 ms", "p99(look) < 150 ms", False),
        ("p99(look) <= 150 ms", "p95(look) <= 150 ms", False),
        ("p99(look) <= 150 ms", "p99(look) <= 151 ms", False),
        ("p99(look) <= 150 ms", "p99(look) <= 150 ms at 10x", False),
    ],
)
def test_a_target_is_what_it_says_however_it_is_written(one, other, same):
    texts = [
        f"requirements: {{users: {{u: x}}, non_functional: {{quick: '{target}'}}}}\n"
        "flows: {look: {from: u, rate: 1 / s, steps: []}}\n"
        for target in (one, other)
    ]
    first, second = (Design.from_text(text).fingerprints()["requirements"] for text in texts)
    assert (first == second) is same


@pytest.mark.parametrize(
    ("path", "value", "section"),
    [
        ("estimates.peak", "3 to 7", "estimates"),
        ("components.app.replicas", 10, "components"),
        ("flows.shorten.store.timeout", "151 ms", "flows"),
        ("network.loss", "0.02%", "network"),
        ("data.link.fields.url", "string(~121)", "data"),
        ("decisions.codes.because", "For another reason.", "decisions"),
        ("faults.a zone is lost.for", "3 min", "faults"),
        ("requirements.users.visitor", "somebody else", "requirements"),
        ("prices.app", "0.18 USD / hour each", "prices"),
        ("growth.curve", ["1x", "2x"], "growth"),
        ("title", "Other", "title"),
    ],
)
def test_another_meaning_changes_the_fingerprint_of_its_section_only(path, value, section):
    design = Design.from_text(TEXTS["url_shortener"])
    before, after = design.fingerprints(), design.with_change({path: value}).fingerprints()
    assert {key for key in before if before[key] != after[key]} == {section}


def test_a_section_that_says_nothing_has_none():
    assert Design.from_text("title: x\nflows:\n").fingerprints().keys() == {"title"}
