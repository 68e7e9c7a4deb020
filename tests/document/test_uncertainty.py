"""Which assumption matters most: the one that a result varies with, beside the question that was asked about it."""

from __future__ import annotations

from toscale.design import Design
from toscale.document.uncertainty import drivers, results
from toscale.requirements.estimates import estimate

DESIGN = Design.from_text(
    "requirements:\n  questions: [{ask: How many?, answer: Some., sets: users}]\n"
    "estimates:\n  users: 1M to 9M\n  each: 2 to 3 / day\n  fixed: 2\n  rate: users * each\n  peak: rate * fixed\n"
)


def test_results_are_the_ends_of_the_computation() -> None:
    assert [one.name for one in results(estimate(DESIGN))] == ["peak"]


def test_the_widest_range_matters_most_and_its_question_is_known() -> None:
    first, second = drivers(DESIGN, estimate(DESIGN))
    assert (first.name, first.result, first.question) == ("users", "peak", "How many?")
    assert (second.name, second.question) == ("each", None)
    # Shares of the variance of a product of lognormals: ln(9)^2 to ln(1.5)^2.
    assert 0.95 < first.share < 0.98
    assert abs(first.share + second.share - 1) < 0.01


def test_nothing_uncertain_has_no_drivers() -> None:
    certain = Design.from_text("estimates: {a: 1 / s, b: a * 2}")
    assert drivers(certain, estimate(certain)) == ()
