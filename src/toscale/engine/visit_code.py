"""How does a call of a station become code? A machine is chosen, a slot taken, and given back on every way out.

`c` is the compiler that collects the rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toscale.engine.frames import Frame, ListAt, Raw, Shard
from toscale.engine.instance_code import emit_cool, emit_warm
from toscale.engine.layout import Label
from toscale.engine.lock_code import take_locks
from toscale.engine.machines import (
    BY_ANY,
    BY_BESIDE,
    BY_COPY,
    BY_NUMBER,
    BY_POLICY,
    BY_PRIMARY,
    BY_SHARD,
)
from toscale.engine.model import (
    Call,
    Get,
    Link,
    Load,
    Pick,
    Policy,
    Register,
    Scatter,
    Send,
    Station,
    Steps,
    Visit,
    Work,
    inner,
)
from toscale.engine.state import Op
from toscale.engine.tables import (
    ModelError,
)

_PICKS = {
    Pick.POLICY: BY_POLICY,
    Pick.PRIMARY: BY_PRIMARY,
    Pick.COPY: BY_COPY,
    Pick.ANY: BY_ANY,
    Pick.BESIDE: BY_BESIDE,
}


def _placed(station: Station) -> bool:
    return bool(station.zones)


def _guards(steps: Steps) -> bool:
    """Whether a block makes a call for which its machine keeps a state."""
    for step in steps:
        if isinstance(step, Call) and step.guarded:
            return True
        if not isinstance(step, Visit) and any(_guards(block) for block in inner(step)):
            return True
    return False


def _sensitive(station: Station) -> bool:
    """Whether the policy looks at the machines' state, so that the moment of the choice matters."""
    return station.policy in (Policy.LEAST_OUTSTANDING, Policy.TWO_CHOICES)


def emit_visit(
    c: Any,
    step: Visit,
    frame: Frame,
    *,
    take: bool = False,
    shard: Pick | None = None,
    listed: str | None = None,
) -> None:
    """A call of a station."""
    with c.passing(step.station, step.path):
        emit_visited(c, step, frame, take, shard, listed)


def emit_visited(
    c: Any, step: Visit, frame: Frame, take: bool, shard: Pick | None, listed: str | None
) -> None:
    """Over the link, a slot, the work, the body with the slot still held, and back."""
    index = c.find(c.stations, step.station, "station")
    station = c.model.stations[index]
    if step.work is not None and step.work.base <= 0 and step.work.each <= 0:
        step = replace(step, work=None)
    machine = c.register(f"machine:{frame.depth}")
    failing, name = station.name in c.failing, station.name
    counted = station.slots is not None or (station.cores is not None and step.work is not None)
    counted = (
        counted
        or step.over is not None
        or station.instances is not None
        or failing
        or name in c.slowed
        or name in c.erring
    )
    counted = counted or step.work is not None or bool(step.locks) or _guards(step.body)
    counted = counted or name in c.replicated
    if not counted and not _placed(station):  # a place that only passes requests on
        emit_hop(c, step.link, f"{step.path}/to", frame.machine, -1, step.sends)
        c.emit(Op.COUNT, a=index)
        out, over = Label(), Label()
        if take:
            c.emit(Op.TAKE, fail=out)
        c.block(step.body, frame.inside(out, machine=-1))
        emit_hop(c, step.link, f"{step.path}/back", -1, frame.machine, step.returns)
        c.emit(Op.JUMP, a=over)
        c.place(out)
        emit_hop(c, step.link, f"{step.path}/back", -1, frame.machine)
        c.emit(Op.JUMP, a=frame.out)
        c.place(over)
        return
    choice = Op.ROUTE if failing else Op.PICK
    if shard is not None:
        c.emit(choice, step.path, a=index, b=machine, c=BY_SHARD, d=_PICKS[shard])
    elif step.over is not None:
        if step.key is None:
            raise ModelError(f"{step.path} goes over a connection, but nobody's")
        held = c.find(c.connections, step.over, "connection")
        if c.model.connections[held].station != step.station:
            raise ModelError(f"{step.path} goes over a connection to another station")
        c.emit(
            Op.REACH,
            step.path,
            a=index,
            b=machine,
            c=held,
            d=c.register(step.key),
            fail=frame.out,
        )
    else:
        key = -1 if step.key is None else c.register(step.key)
        pick, nth = _PICKS[step.pick] if step.nth is None else BY_NUMBER, float(step.nth or 0)
        if step.pick is Pick.BESIDE:
            pick, key = (BY_POLICY, key) if frame.machine < 0 else (BY_BESIDE, frame.machine)
        c.emit(choice, step.path, a=index, b=machine, c=pick, d=key, x=nth)
    if _sensitive(station) and shard is None and step.pick is Pick.POLICY:
        c.rows[-1].sync = True
    if step.link.between in c.cut:
        c.rows[-1].sync = True
    emit_hop(c, step.link, f"{step.path}/to", frame.machine, machine, step.sends)
    refused, out, over, entry, around = Label(), Label(), Label(), Label(), c.within
    c.place(entry)
    c.emit(Op.ENTER if failing else Op.ACQUIRE, a=index, b=machine, d=int(take), fail=refused)
    c.within = entry
    early = Label()  # without an instance
    if take:
        c.emit(Op.TAKE, fail=early)
    emit_warm(c, index, step.path)
    unlocked = out
    locks = take_locks(c, step.locks, frame, station.shards, listed)
    if locks:
        out = Label()
    if step.work is not None:
        on = machine if name in c.slowed else None
        c.work(Op.WORK, step.path, step.work, on=on, a=index, b=machine)
        c.rows[-1].sync = station.cores is not None
        if step.body and isinstance(step.body[0], Get):  # its entry is on its way while the work is done
            c.rows[-1].c = c.find(c.stores, step.body[0].store, "store")
            c.rows[-1].d = c.register(step.body[0].key)
    if name in c.erring:
        c.emit(Op.FAULTY, step.path, a=index, b=machine, fail=out)
    within = frame.inside(out, machine, index)
    if not locks:  # a lock is held together with the slot
        within = replace(within, leaves=index, refused=refused, around=around)
    c.block(step.body, within)
    for chain, _ in reversed(locks):
        c.emit(Op.UNLOCK, b=chain)
    emit_cool(c, index)
    c.emit(Op.RELEASE, a=index, b=machine)
    c.within = around
    emit_hop(c, step.link, f"{step.path}/back", machine, frame.machine, step.returns)
    c.emit(Op.JUMP, a=over)
    c.within = entry
    if locks:
        c.place(out)
        for chain, given in reversed(locks):
            c.place(given)
            c.emit(Op.UNLOCK, b=chain)
    c.place(unlocked)
    emit_cool(c, index)
    c.place(early)
    c.emit(Op.RELEASE, a=index, b=machine)
    c.within = around
    c.place(refused)
    emit_hop(c, step.link, f"{step.path}/back", machine, frame.machine)
    c.emit(Op.JUMP, a=frame.out)
    c.place(over)


def emit_scatter(c: Any, step: Scatter, frame: Frame) -> None:
    """A call for several keys, split over the shards that have them."""
    index = c.find(c.stations, step.station, "station")
    c.margin += max(1, c.model.stations[index].shards)
    keep = step.keep
    if keep is None and step.source is None and (step.found is not None or step.put or step.locks):
        keep = f"{step.path}:keys"
    listed = step.source or keep
    if step.store is not None:
        c.touches += step.at_most
    if keep is not None:
        c.list_of(keep, step.at_most)
    if step.missed is not None:
        c.list_of(step.missed, step.at_most)
    work = Work(step.work.shape, step.work.base, step.work.each, Register("part"))
    sends, returns = (
        None if load is None else replace(load, count=Register("part")) for load in (step.sends, step.returns)
    )
    visit = Visit(step.path, step.station, work, step.link, locks=step.locks, sends=sends, returns=returns)
    label = Label()
    c.later.append((label, (Shard(visit, step.pick, listed if step.locks else None),), frame))
    c.locked += step.at_most * len(step.locks)
    c.emit(
        Op.SCATTER,
        step.population.name if keep is None and step.source is None else step.path,
        a=label,
        b=c.population(step.population),
        c=ListAt(step.source),
        d=ListAt(keep),
        num=c.number(step.count),
        law=index,
        x=float(step.at_most),
        y=1.0 if step.fresh else 0.0,
        fail=frame.out,
    )
    if step.store is not None and step.found is not None:
        c.emit(
            Op.MGET,
            a=c.find(c.stores, step.store, "store"),
            b=ListAt(listed),
            c=c.register(step.found),
            d=ListAt(step.missed),
            law=c.population(step.population),
            x=step.bytes,
        )
    if step.store is not None and step.put:
        c.emit(Op.MPUT, a=c.find(c.stores, step.store, "store"), b=ListAt(listed), x=step.bytes)


def emit_send(c: Any, step: Send, frame: Frame) -> None:
    """A message into a buffer."""
    key = -1 if step.key is None else c.register(step.key)
    buffer = c.find(c.buffers, step.buffer, "buffer")
    put = (Op.SEND if c.model.buffers[buffer].most is None else Op.OFFER, step.path, buffer, key)
    station = step.station
    if station is None and step.buffer in c.failing | c.slowed | c.erring:
        station = step.buffer  # its machines matter, as they may fail
    if station is not None:
        body: Any = (Raw(put),)
        emit_visit(c, Visit(step.path, station, step.work, step.link, body=body, sends=step.sends), frame)
        return
    with c.passing(step.buffer, step.path):
        emit_hop(c, step.link, f"{step.path}/to", frame.machine, -1, step.sends)
        c.emit(put[0], put[1], a=put[2], b=put[3], fail=frame.out)
        if step.work is not None:
            c.work(Op.DELAY, step.path, step.work)
        emit_hop(c, step.link, f"{step.path}/back", -1, frame.machine)


def emit_hop(c: Any, link: Link, path: str, here: int, there: int, load: Load | None = None) -> None:
    """A message over the wire, unless it takes no time and cannot be lost."""
    still = all(law is None or law.mean == 0 for law in (link.near, link.far))
    if link.near_bandwidth is None and link.far_bandwidth is None:
        load = None
    if not still or link.loss > 0 or link.between in c.cut or load is not None:
        c.emit(Op.HOP, path, a=c.link(link), b=here, c=there)
        if load is not None:
            c.rows[-1].x = load.bytes
            c.rows[-1].num = -1 if load.count == 1.0 else c.number(load.count)
            c.rows[-1].d = -1 if load.found is None else c.register(load.found)
        if link.between in c.cut:  # whether it arrives depends on when it is sent
            c.rows[-1].sync = True
