"""Calls of the command within the test's own process, and small designs to call it with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toscale.cli import main

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

SMALL = """\
title: A counter
requirements:
  users: {visitor: looks}
  functional: {look: A visitor looks.}
  non_functional:
    quick: p99(look) <= LIMIT
estimates:
  visits: 2M to 4M / day
  peak: 3
  rate: visits * peak in 1/s
components:
  app: {kind: service, replicas: 2, cores: 2}
  cache: {kind: cache, memory: 1 GB, ttl: 1 min}
flows:
  look:
    from: visitor
    rate: rate
    steps:
      - app: 5 ms
        then: [{cache: get page}]
data:
  page: {stored in: cache, size: 1 kB, how many: 1000, popularity: zipf(1)}
"""

MEETS = SMALL.replace("LIMIT", "200 ms")
MISSES = SMALL.replace("LIMIT", "1 ms")

BROKEN = """\
components:
  app: {kind: servce}
flows:
  look: {from: visitor, rate: 5 / s, steps: [{aap: 1 ms}]}
estimates:
  size: 500B
"""


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output as JSON, in which NaN and infinity are not known."""

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


class Shell:
    """A folder to call the command in."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys, self.folder = capsys, folder

    def __call__(self, *arguments: str) -> Called:
        self.capsys.readouterr()
        code = main(arguments)
        out, err = self.capsys.readouterr()
        return Called(code, out, err)

    def write(self, text: str | bytes, name: str = "a.design.yaml") -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
