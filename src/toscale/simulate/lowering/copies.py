"""Which copies of a store lag behind, and how does a write reach them?

Without `sync` a copy has a write `lag` after it counts. With `sync`, each copy does the write itself; those whose
confirmation is waited for have it when it counts, the others when they have done it, and `lag` later where the file
says one. Applying a write without `sync` costs a copy neither a slot nor work: it comes by the log, beside the calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from toscale.design import flow as language
from toscale.design.model import Design
from toscale.engine.copies_code import MOST_COPIES
from toscale.engine.laws import Law
from toscale.engine.model import Commit, Copied, Parallel, Population, Replicated, Set, Step, Steps, Version
from toscale.simulate.lowering.ledger import Ledger
from toscale.simulate.lowering.machines import Part
from toscale.simulate.lowering.record import Record
from toscale.simulate.lowering.values import Values, shown_time
from toscale.simulate.lowering.walks import walk

__all__ = ["CopyLowering"]


@dataclass(frozen=True, slots=True)
class CopyLowering:
    """Lowers writes of replicated stores, and reads of their copies; the stores collect in `record`."""

    design: Design
    values: Values
    ledger: Ledger
    record: Record

    def replicated(self, part: Part) -> Replicated | None:
        """How the copies of a store lag; None where they are taken to have each write when it counts."""
        if part.station.copies < 2 or not part.station.shards:
            return None
        if part.confirmations > 0 and part.station.copies > MOST_COPIES:
            self.ledger.missing(
                f"`{part.name}`: with `sync`, which copies lag is simulated for at most {MOST_COPIES} of a shard.",
                part.component.places.get("copies", part.component.place),
            )
            return None
        if part.name not in self.record.replicated:
            lag = self._lag(part)
            if lag is None and not (part.confirmations and part.name in self._read_at_copies()):
                return None
            self.record.replicated[part.name] = Replicated(part.name, lag, part.confirmations > 0)
        return self.record.replicated[part.name]

    def _lag(self, part: Part) -> Law | None:
        time = part.component.lag
        if time is None:
            return None
        law, by_default = self.values.law(time, 0.0)
        if by_default:
            self.ledger.default(
                part.name,
                "spread of the lag",
                f"fixed: {shown_time(law.mean)}",
                "What the file does not mention does not happen: a lag has no spread of its own.",
            )
        return law

    def _read_at_copies(self) -> frozenset[str]:
        return frozenset(
            step.target
            for flow in self.design.flows.values()
            for step in walk(flow.steps)
            if isinstance(step, language.Call) and step.from_copy
        )

    def write(self, part: Part, path: str, key: str, population: Population, copies: Steps) -> Steps:
        """The writes at the copies (`copies`, each a call), and the moment at which the write counts."""
        replicated = self.replicated(part)
        confirmed = f"confirmed:{path}" if copies and replicated is not None else None
        before: list[Step] = []
        if copies:
            branches = tuple(
                (copy,)
                if confirmed is None
                else (Copied(f"{path} copy", part.name, key, confirmed, (copy,)),)
                for copy in copies
            )
            if confirmed is not None:
                before.append(Set(confirmed, 0))
            before.append(Parallel(f"{path} copies", branches, part.confirmations, goes_on=True))
        if replicated is not None:
            before.append(Commit(f"{path} commit", part.name, key, population, confirmed))
        return tuple(before)

    def read(self, step: language.Call, part: Part, path: str, key: str, population: Population) -> Steps:
        """A read at a copy looks at which version is there."""
        if not step.from_copy:
            return ()
        if self.replicated(part) is not None:
            return (Version(f"{path} version", part.name, key, population),)
        if part.station.copies > 1 and not part.confirmations:
            self.ledger.note(
                f"Nobody gave the `lag` of `{part.name}`: its copies are taken to have each write at once.",
                step.place,
            )
        return ()

    def of_several(self, step: language.Call, part: Part, path: str, *, reads: bool) -> None:
        """What is not told of a call for several keys."""
        if self.replicated(part) is None or (reads and not step.from_copy):
            return
        what = "whether one of them is stale is" if reads else "when copies have them is"
        self.ledger.missing(
            f"`{step.path}` {'reads' if reads else 'writes'} several keys: {what} simulated for single keys only.",
            step.place,
            path=path,
        )
