"""The design file: its model, loading it with places, problems with their codes, edits that keep comments,
its schema.

`Design.load(path)` is the usual way in; `check_design(text)` gives the problems too. The model is in `model`
and `flow`, the words of the language in `vocabulary`, the rules in `rules`.
"""

from toscale.design.change import changed, check_changes, check_design
from toscale.design.load import Loaded, read_design
from toscale.design.model import Design
from toscale.design.problems import DesignError, Problem

__all__ = [
    "Design",
    "DesignError",
    "Loaded",
    "Problem",
    "changed",
    "check_changes",
    "check_design",
    "read_design",
]
