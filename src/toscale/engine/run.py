"""One replication of a model: its arrays, set up, run window by window, enlarged as needed, and read out.

The interpreter allocates nothing. Where an array is full it comes back, the array grows here, and the
run goes on where it stopped; a bound (`Limits`) ends the run with a message instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toscale.engine import arrivals, interpreter, parts
from toscale.engine import seldom as seldom  # the parts
from toscale.engine.conservation import check_conservation
from toscale.engine.held import begin
from toscale.engine.model import Model
from toscale.engine.room import Limits, enlarged
from toscale.engine.setup import SetUp, StoreStart, window_ticks
from toscale.engine.state import TICK, Status
from toscale.engine.tables import Tables
from toscale.engine.tree import schedule

__all__ = ["Limits", "Readings", "Replication", "StoreStart"]


@dataclass(frozen=True, slots=True)
class Readings:
    """The counts of a replication at the end of each window, cumulated, and its histograms per window.

    `meters`, `stations`, `stores`, `buffers`, `pools`, `locks`, `connections`, `guards`, `flights`, `scalers`,
    `instances`, `replicated`: record arrays (windows + 1, parts), row 0 is the beginning of the first window.
    `histogram`: (windows, meters, cells). `live`: requests and messages on their way at the end of each window.
    `length`: seconds a window.
    `retries`: (windows + 1, flows), further attempts.
    """

    meters: Any
    stations: Any
    stores: Any
    buffers: Any
    pools: Any
    locks: Any
    connections: Any
    histogram: Any
    live: Any
    retries: Any
    length: float
    guards: Any
    flights: Any
    scalers: Any
    instances: Any
    replicated: Any

    @property
    def windows(self) -> int:
        return len(self.live)


class Replication:
    """A model's run from one seed. `run` goes on from where the last `run` ended."""

    def __init__(
        self,
        model: Model,
        tables: Tables,
        seed: str,
        window: float,
        *,
        start: Mapping[str, StoreStart] | None = None,
        empty: bool = False,
        most_windows: int = 64,
        limits: Limits | None = None,
    ) -> None:
        self.model = model
        self.tables = tables
        self.limits = limits or Limits()
        self.start = start or {}
        self.empty = empty
        self.most_windows = most_windows
        self._base: dict[str, Any] = {}
        set_up = SetUp(model, tables, seed, self.start, most_windows, self.limits, empty)
        self.state = set_up.state(window)
        with np.errstate(over="ignore"):
            for flow in range(len(model.flows)):
                match int(self.state.flows[flow].kind):
                    case arrivals.CAUSED:
                        pass
                    case arrivals.USERS:  # they come at once
                        schedule(self.state, flow, np.int64(0))
                    case _:
                        schedule(self.state, flow, arrivals.next_arrival(self.state, flow))
            if not empty:
                self.state = set_up.filled(self.state)
            begin(model, self.state, empty)
        parts.load(self.state, interpreter.IN_PARTS)

    # ---- running ---------------------------------------------------------------------------------------------------

    def run(self, windows: int, events: int | None = None) -> Status:
        """Simulates until so many windows are full; other than DONE, the status says which bound ended it
        first.

        `events`: stop after so many more events (EVENTS), to be called again.
        """
        control = self.state.control[0]
        stop = self.limits.events if events is None else min(self.limits.events, int(control.events) + events)
        control.budget = stop
        if windows > self.most_windows:
            raise ValueError("more windows than the replication has room for: merge first")
        if self.windows >= windows:
            return Status.DONE
        while True:
            if int(control.window_ends) >= int(control.horizon):
                return Status.HORIZON
            with np.errstate(over="ignore"):  # 64-bit hashes wrap around, which plain Python would warn of
                status = Status(interpreter.advance(self.state, windows))
            if status in (Status.DONE, Status.EVENTS):
                return status
            larger = enlarged(self.state, status, self.limits)
            if larger is None:
                return status
            self.state = larger

    def cut(self, window: float) -> None:
        """Forgets what was measured so far (the warm-up), at the end of a window; new windows are so many
        seconds long.
        """
        s = self.state
        control = s.control[0]
        self._base = {
            "meters": s.meters.copy(),
            "stations": s.stations.copy(),
            "stores": s.stores.copy(),
            "buffers": s.buffers.copy(),
            "pools": s.pools.copy(),
            "locks": s.locks.copy(),
            "connections": s.connections.copy(),
            "retries": s.retries.copy(),
            "guards": s.guards.copy(),
            "flights": s.flights.copy(),
            "scalers": s.scalers.copy(),
            "instances": s.instances.copy(),
            "replicated": s.replicated.copy(),
        }
        s.meters["longest"] = 0
        s.histogram[: self.windows] = 0
        s.scalers["top"] = s.scalers["serving"]
        control.window = 0
        control.window_length = window_ticks(window)
        control.window_ends = control.now + control.window_length

    def forget(self, windows: int) -> None:
        """Drops the first windows as well: the warm-up was longer than thought."""
        s = self.state
        n = self.windows
        for part in self._base:
            snaps = getattr(s, f"snap_{part}")
            self._base[part] = snaps[windows - 1].copy()
            snaps[: n - windows] = snaps[windows:n].copy()
        s.snap_live[: n - windows] = s.snap_live[windows:n].copy()
        s.histogram[: n - windows] = s.histogram[windows:n].copy()
        s.histogram[n - windows : n] = 0
        s.control[0].window = n - windows

    def merge_windows(self) -> None:
        """Makes one window of each two. Their number must be even."""
        s = self.state
        n = int(s.control[0].window)
        tops = s.snap_scalers["top"]
        tops[1:n:2] = np.maximum(tops[0:n:2], tops[1:n:2])
        for name in (
            "snap_meters",
            "snap_stations",
            "snap_stores",
            "snap_buffers",
            "snap_pools",
            "snap_locks",
            "snap_connections",
            "snap_retries",
            "snap_live",
            "snap_guards",
            "snap_flights",
            "snap_scalers",
            "snap_instances",
            "snap_replicated",
        ):
            array = getattr(s, name)
            array[: n // 2] = array[1:n:2].copy()
        merged = s.histogram[0:n:2] + s.histogram[1:n:2]
        s.histogram[: n // 2] = merged
        s.histogram[n // 2 : n] = 0
        s.control[0].window = n // 2
        s.control[0].window_length *= 2
        s.control[0].window_ends = s.control[0].now + s.control[0].window_length

    @property
    def windows(self) -> int:
        return int(self.state.control[0].window)

    @property
    def window_seconds(self) -> float:
        return float(self.state.control[0].window_length) * TICK

    @property
    def live(self) -> Any:
        """Requests, parts of requests and messages on their way at the end of each window."""
        return self.state.snap_live[: self.windows].copy()

    @property
    def started(self) -> int:
        """Requests of all flows, since the beginning."""
        return int(np.sum(self.state.meters["started"][: len(self.model.flows)]))

    @property
    def events(self) -> int:
        return int(self.state.control[0].events)

    def readings(self) -> Readings:
        s = self.state
        n = self.windows

        def from_start(part: str) -> Any:
            array = getattr(s, f"snap_{part}")
            base = self._base.get(part)
            first = (
                np.zeros((1, array.shape[1]), dtype=array.dtype)
                if base is None
                else np.asarray(base)[None, :]
            )
            return np.concatenate([first.view(np.ndarray), array[:n].view(np.ndarray)])

        return Readings(
            meters=from_start("meters"),
            stations=from_start("stations"),
            stores=from_start("stores"),
            buffers=from_start("buffers"),
            pools=from_start("pools"),
            locks=from_start("locks"),
            connections=from_start("connections"),
            histogram=s.histogram[:n],
            live=s.snap_live[:n].copy(),
            retries=from_start("retries"),
            length=float(s.control[0].window_length) * TICK,
            guards=from_start("guards"),
            flights=from_start("flights"),
            scalers=from_start("scalers"),
            instances=from_start("instances"),
            replicated=from_start("replicated"),
        )

    def check_conservation(self) -> None:
        """Raises AssertionError where something has got lost; see `toscale.engine.conservation`."""
        check_conservation(self.model, self.tables, self.state)
