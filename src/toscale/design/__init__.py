"""The design file: its model, loading it with positions, problems with their codes, edits that keep
comments, its schema.
"""
