"""The analytic twin: what queueing theory says about a model, in milliseconds. `solve(model)` gives a `Twin`."""

from toscale.theory.twin import Twin, solve

__all__ = ["Twin", "solve"]
