"""Numbers with units and uncertainty: the lowest part of the house, it knows nothing of designs.

`units` are the units and dimensions, `grammar` reads formulas, `sheet` evaluates named formulas that refer
to each other, `times` reads times that vary from request to request, `formatting` writes numbers as an
engineer does. Every refusal is a `QuantityError` with its place and its mend (`errors`).
"""
