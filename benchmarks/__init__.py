"""Where do the published figures come from? Each is computed by a command in this package.

`python -m benchmarks` measures speed (docs/benchmarks.md), `python -m benchmarks.validate` counts how often
the exact value of a closed form lies within the simulated interval (docs/validation.md).
"""
