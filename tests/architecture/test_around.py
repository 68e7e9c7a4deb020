"""Are positions of the file honoured, and do lines still go around boxes?"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.architecture.pictures import away_from_outline, inside, overlapping, read, through_boxes
from tests.architecture.random_designs import full_figures, graph, random_design
from toscale.architecture import draw
from toscale.architecture.draw import Drawing
from toscale.design.model import Design

EXAMPLE = Path(__file__).parents[2] / "examples" / "url_shortener.design.yaml"
SOME = {"edge": (300.0, 0.0), "app": (300.0, 160.0), "cache": (700.5, 0.0), "counts": (-40.0, 420.0)}


def placed(layout: dict[str, tuple[float, float]]) -> Drawing:
    text = EXAMPLE.read_text(encoding="utf-8") + "\nlayout:\n"
    text += "".join(f"  {name}: [{x}, {y}]\n" for name, (x, y) in layout.items())
    return draw(Design.from_text(text))


def test_boxes_stand_exactly_where_the_file_says() -> None:
    picture = read(placed(SOME).svg())
    for name, (x, y) in SOME.items():
        assert (picture.boxes[name].x, picture.boxes[name].y) == pytest.approx((x, y), abs=0.01)


def test_the_others_find_free_places_and_lines_go_around_all() -> None:
    picture = read(placed(SOME).svg())
    assert overlapping(picture.boxes, 8.0) == []
    assert through_boxes(picture) == []
    assert away_from_outline(picture) < 1.0
    assert overlapping(picture.labels) == []
    assert not any(label.meets(box) for label in picture.labels for box in picture.boxes.values())
    assert all(inside(rect, picture.paper) for rect in [*picture.boxes.values(), *picture.labels])


def test_what_the_automatic_layout_gives_can_be_kept_as_positions() -> None:
    automatic = draw(Design.load(EXAMPLE)).layout.boxes
    kept = {name: (rect.x, rect.y) for name, rect in automatic.items() if name not in ("visitor", "creator")}
    again = placed(kept).layout.boxes
    assert {name: (rect.x, rect.y) for name, rect in again.items() if name in kept} == kept
    assert again["visitor"].right <= again["edge"].x


@pytest.mark.parametrize("seed", range(30))
def test_random_boxes_in_random_places(seed: int) -> None:
    of = graph(random_design(seed, 24))
    draw_ = random.Random(seed)
    cells = [(x, y) for x in range(6) for y in range(6)]
    draw_.shuffle(cells)
    names = [name for name, node in of.nodes.items() if not node.is_actor and draw_.random() < 0.7]
    where = {
        name: (320.0 * x + draw_.randint(0, 40), 190.0 * y + draw_.randint(0, 30))
        for name, (x, y) in zip(names, cells, strict=False)
    }
    drawing = Drawing.of(of, full_figures(of, seed), where)
    picture = read(drawing.svg())
    for name, (x, y) in where.items():
        assert (drawing.layout.boxes[name].x, drawing.layout.boxes[name].y) == (x, y)
    assert overlapping(picture.boxes) == []
    assert through_boxes(picture) == []
    assert away_from_outline(picture) < 1.0
    assert overlapping(picture.labels) == []
    assert not any(label.meets(box) for label in picture.labels for box in picture.boxes.values())


def test_boxes_on_each_other_are_drawn_so() -> None:
    picture = read(placed({"app": (0.0, 0.0), "cache": (10.0, 10.0), "links": (0.0, 0.0)}).svg())
    assert (picture.boxes["links"].x, picture.boxes["cache"].y) == pytest.approx((0.0, 10.0), abs=0.01)
