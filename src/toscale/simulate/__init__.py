"""A design in, a result out: lowering to the engine and to the twin, runs until they are tight, figures with
intervals.
"""
