"""The simulator: a model of stations, stores, buffers and flows in, figures per window out.

Knows no file, no kind of component, no web and no terminal. `model` says what can be simulated, `laws` which
numbers vary and how, `compile_model` turns a model into tables, `run` is the compiled interpreter over those
tables.
"""
