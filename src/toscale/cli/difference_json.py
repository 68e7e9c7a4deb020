"""What does `toscale diff --json` say? Described in `docs/json.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from toscale.architecture.difference import Difference
from toscale.design import Design

if TYPE_CHECKING:
    from toscale.architecture.effect import Effect
    from toscale.cli.diff import Compared

__all__ = ["compared_json", "difference_json", "one_difference"]

_UNITS = {"time": "s", "share": "", "rate": "1/s", "cost": "USD/s", "number": ""}


def difference_json(
    names: tuple[str, str],
    designs: Sequence[Design],
    found: Sequence[Difference],
    compared: Compared | None,
    seed: int,
) -> dict[str, Any]:
    """Two designs with their differences, and the effects where they were simulated."""
    sides = [{"file": name, "title": design.title} for name, design in zip(names, designs, strict=True)]
    return {
        "before": sides[0],
        "after": sides[1],
        "differences": [one_difference(one) for one in found],
        **compared_json(compared),
        "seed": seed,
    }


def one_difference(one: Difference) -> dict[str, Any]:
    """One difference in words."""
    return {
        "path": list(one.path),
        "what": one.what,
        "subject": one.subject,
        "key": one.key or None,
        "before": one.before,
        "after": one.after,
        "text": str(one),
    }


def compared_json(compared: Compared | None) -> dict[str, Any]:
    """The verdicts and effects; each null where nothing was simulated."""
    if compared is None:
        return {"conditions": None, "effects": None, "newly_missed": None, "pairs": None}
    from toscale.cli.diff import newly_missed
    from toscale.document.as_json import verdict_json

    return {
        "conditions": {
            "before": [verdict_json(verdict) for verdict in compared.before],
            "after": [verdict_json(verdict) for verdict in compared.after],
        },
        "effects": [_effect_json(effect) for effect in compared.effects],
        "newly_missed": list(newly_missed(compared)),
        "pairs": compared.pairs,
    }


def _effect_json(effect: Effect) -> dict[str, Any]:
    from toscale.document.as_json import figure_json

    return {
        "kind": effect.kind,
        "of": effect.of,
        "measure": effect.measure,
        "unit": _UNITS[effect.sort],
        "multiple": effect.multiple,
        "before": effect.before,
        "after": effect.after,
        "change": figure_json(effect.change),
        "verdict": effect.verdict,
        "text": effect.text,
    }
