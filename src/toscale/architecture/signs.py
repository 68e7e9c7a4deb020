"""Which sign stands in the box of a kind? Strokes on a square of 16 by 16, so that kinds with one outline differ.

A kind without a sign of its own has none; its outline and its caption say what it is.
"""

from __future__ import annotations

__all__ = ["SIGNS"]

_DISC = "M2.5 4 A5.5 2 0 0 1 13.5 4 A5.5 2 0 0 1 2.5 4 V12 A5.5 2 0 0 0 13.5 12 V4"

SIGNS: dict[str, str] = {
    "actor": "M8 2.2 A2.9 2.9 0 1 1 8 8 A2.9 2.9 0 1 1 8 2.2 M2.5 14 A5.5 4.8 0 0 1 13.5 14",
    "clock": "M8 1.8 A6.2 6.2 0 0 1 8 14.2 A6.2 6.2 0 0 1 8 1.8 M8 4.4 V8 L10.8 9.8",
    "client": "M5 1.5 H11 A1 1 0 0 1 12 2.5 V13.5 A1 1 0 0 1 11 14.5 H5 A1 1 0 0 1 4 13.5 V2.5 "
    "A1 1 0 0 1 5 1.5 M7 12.3 H9",
    "dns": "M8 1.8 A6.2 6.2 0 0 1 8 14.2 A6.2 6.2 0 0 1 8 1.8 M1.8 8 H14.2 "
    "M8 1.8 C4.6 5 4.6 11 8 14.2 C11.4 11 11.4 5 8 1.8",
    "cdn": "M8 2 V6 M8 10 V14 M2 8 H6 M10 8 H14 M8 6 A2 2 0 0 1 8 10 A2 2 0 0 1 8 6",
    "load_balancer": "M1.5 8 H6 M6 8 L13 3.2 M6 8 H13.5 M6 8 L13 12.8 M11 2.8 L13.2 3 L12.4 5 "
    "M11 13.2 L13.2 13 L12.4 11",
    "gateway": "M3 14 V5 L8 2 L13 5 V14 M6 14 V9 A2 2 0 0 1 10 9 V14",
    "service": "M5.5 4 L2 8 L5.5 12 M10.5 4 L14 8 L10.5 12 M9.2 3 L6.8 13",
    "function": "M4 2.5 H5.6 L11 13.5 H12.5 M7.8 7 L4 13.5",
    "worker": "M8 5.2 A2.8 2.8 0 0 1 8 10.8 A2.8 2.8 0 0 1 8 5.2 M8 1.5 V3.5 M8 12.5 V14.5 M1.5 8 H3.5 M12.5 8 H14.5 "
    "M3.4 3.4 L4.8 4.8 M11.2 11.2 L12.6 12.6 M3.4 12.6 L4.8 11.2 M11.2 4.8 L12.6 3.4",
    "cache": "M9 1.8 L3.5 9 H7.4 L6.6 14.2 L12.5 6.6 H8.4 Z",
    "database": f"{_DISC} M2.5 8 A5.5 2 0 0 0 13.5 8",
    "document": "M4 1.8 H9.5 L12.5 4.8 V14.2 H4 Z M6.3 7.5 H10.2 M6.3 10.5 H10.2",
    "wide_column": "M2 3 H14 V13 H2 Z M6 3 V13 M10 3 V13 M2 6.3 H14",
    "key_value": "M5.2 4.4 A2.6 2.6 0 0 1 5.2 9.6 A2.6 2.6 0 0 1 5.2 4.4 M7.8 7 H14 V9.6 M11.4 7 V9.2",
    "search": "M6.8 2.2 A4.6 4.6 0 0 1 6.8 11.4 A4.6 4.6 0 0 1 6.8 2.2 M10.2 10.2 L14 14",
    "object_store": "M8 1.8 L13.5 4.8 V11.2 L8 14.2 L2.5 11.2 V4.8 Z M2.5 4.8 L8 7.8 L13.5 4.8 M8 7.8 V14.2",
    "queue": "M2 4 H4.6 V12 H2 Z M6.7 4 H9.3 V12 H6.7 Z M11.4 4 H14 V12 H11.4 Z",
    "stream": "M1.5 5 C4 2.5 6 7.5 8.5 5 S12.5 4.4 14.5 5 M1.5 8.5 C4 6 6 11 8.5 8.5 S12.5 7.9 14.5 8.5 "
    "M1.5 12 C4 9.5 6 14.5 8.5 12 S12.5 11.4 14.5 12",
    "websocket": "M2 5.5 H13.5 M10.8 2.8 L13.5 5.5 L10.8 8.2 M14 10.8 H2.5 M5.2 8.1 L2.5 10.8 L5.2 13.5",
    "coordination": "M8 2 A1.9 1.9 0 0 1 8 5.8 A1.9 1.9 0 0 1 8 2 "
    "M3.6 10.2 A1.9 1.9 0 0 1 3.6 14 A1.9 1.9 0 0 1 3.6 10.2 "
    "M12.4 10.2 A1.9 1.9 0 0 1 12.4 14 A1.9 1.9 0 0 1 12.4 10.2 M7 5.6 L4.6 10.4 M9 5.6 L11.4 10.4 M5.5 12.1 H10.5",
    "external": "M7 3.5 H3 V13 H12.5 V9 M9 2 H14 V7 M14 2 L7.5 8.5",
}
"""Paths by the names of kinds."""
