"""What has a flow shown while it was lowered? What it uses and sends to, and why it cannot be simulated."""

from __future__ import annotations

from dataclasses import dataclass, field

from toscale.design.parts import Place
from toscale.engine.model import Lock, Replicated
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.scope import Scope

__all__ = ["Record"]


@dataclass(slots=True)
class Record:
    """By flow: why it is `broken`, and the buffers that it `sends` to. By component: the flows that have
    `used` it.

    `actors` are those who are called, at the end of a connection. `locks` are those that are asked for, by name,
    and `nested` the pairs of them of which the second is asked for by one who has the first;
    `replicated` are the stores whose copies lag.
    """

    ledger: Ledger
    broken: dict[str, list[str]] = field(default_factory=dict)
    sends: dict[str, set[str]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    actors: set[str] = field(default_factory=set)
    locks: dict[str, Lock] = field(default_factory=dict)
    nested: set[tuple[str, str]] = field(default_factory=set)
    replicated: dict[str, Replicated] = field(default_factory=dict)

    def breaks(self, scope: Scope, text: str, place: Place, path: str) -> None:
        """The flow cannot be simulated because of this."""
        because = text[:1].lower() + text[1:].rstrip(".")
        self.broken.setdefault(scope.flow, []).append(because)
        self.ledger.missing(text, place, path=path, flow=scope.flow, left_out=True)

    def lacks(self, scope: Scope, text: str, place: Place, path: str) -> None:
        """The flow is simulated without this."""
        self.ledger.missing(text, place, path=path, flow=scope.flow)

    def use(self, scope: Scope, component: str) -> None:
        """The flow calls this component."""
        self.used.setdefault(component, set()).add(scope.flow)

    def send(self, scope: Scope, buffer: str) -> None:
        """The flow sends to this buffer."""
        self.sends.setdefault(scope.flow, set()).add(buffer)
