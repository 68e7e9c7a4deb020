"""`toscale schema`: the JSON Schema of design files."""

from __future__ import annotations

import argparse

from toscale.cli.terminal import Terminal

__all__ = ["run"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:  # noqa: ARG001 (all commands have one form)
    """Prints the schema."""
    from toscale.design.schema import json_schema
    from toscale.document.as_json import text_of

    terminal.plain(text_of(json_schema()))
    return 0
