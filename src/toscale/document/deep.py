"""What stands in the tables of step 3? The interface, the data model with its sizes, the decisions."""

from __future__ import annotations

from toscale.design.model import Design, Endpoint, Entity
from toscale.document.figures import DASH, amount
from toscale.document.tables import Column, Table
from toscale.quantity.formatting import format_quantity
from toscale.quantity.units import SIZE
from toscale.requirements.estimates import Estimates

__all__ = ["api_table", "data_table", "fields_of"]


def api_table(design: Design) -> Table:
    """The interface of each flow or step that has one."""
    rows = tuple(
        (
            name,
            _request(endpoint),
            _fields(endpoint) or DASH,
            ", ".join(f"{code} {what}" for code, what in endpoint.returns.items()) or DASH,
            _safety(endpoint) or DASH,
        )
        for name, endpoint in design.api.items()
    )
    columns = (
        Column("Operation"),
        Column("Request"),
        Column("Body", rank=2),
        Column("Returns", is_sentence=True),
        Column("Idempotent, auth", rank=1),
    )
    return Table("API", columns, rows)


def _request(endpoint: Endpoint) -> str:
    if endpoint.method:
        return f"{endpoint.method} {endpoint.path or ''}".rstrip()
    over = f" over {endpoint.over}" if endpoint.over else ""
    return f"frame {endpoint.frame}{over}" if endpoint.frame else DASH


def _fields(endpoint: Endpoint) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in endpoint.body.items())


def _safety(endpoint: Endpoint) -> str:
    said = (endpoint.idempotent or "", endpoint.auth or "")
    return ", ".join(part for part in said if part)


def data_table(design: Design, estimates: Estimates) -> Table:
    """The entities with where they are, what they hold, and what they take."""
    stored = {part.entity: part for part in estimates.storage}
    rows = []
    for name, entity in design.data.items():
        size = stored.get(name)
        record = size.record if size is not None else DASH
        rows.append(
            (
                name,
                "another system" if entity.elsewhere else entity.stored_in or DASH,
                fields_of(entity) or DASH,
                format_quantity(record, SIZE) if isinstance(record, float) else DASH,
                DASH if size is None else amount(size.rows).partition(" (")[0],
                DASH if size is None else amount(size.total).partition(" (")[0],
            )
        )
    columns = (
        Column("Entity"),
        Column("Stored in"),
        Column("Fields", is_sentence=True),
        Column("Record", True),
        Column("Rows", True),
        Column("Takes", True),
    )
    note = "A record with what its engine adds; what it takes in all, with its indexes and copies, at the median."
    return Table("Data model", columns, tuple(rows), note if stored else "")


def fields_of(entity: Entity) -> str:
    """`code string(7) key, url string(~120)`, and by what it is spread and asked for."""
    said = [
        f"{name} {one.type if one.type is not None else one.reference or ''}".rstrip()
        + (" key" if one.key else "")
        for name, one in entity.fields.items()
    ]
    if entity.indexes:
        said.append("indexed by " + ", ".join("+".join(index) for index in entity.indexes))
    if entity.shard_by:
        said.append(f"sharded by {', '.join(entity.shard_by)}")
    return ", ".join(said)
