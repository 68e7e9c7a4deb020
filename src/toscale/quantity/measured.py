"""Which times does a file of measurements hold? One a line, in seconds; the first column where there are several.

Empty lines and lines that begin with `#` are passed over. A file is read up to a bound, and never a device or a
pipe, which may have no end. What a file holds beside times is never repeated in a message: it may be any file.
"""

from __future__ import annotations

import math
from pathlib import Path

from toscale.quantity.errors import QuantityError, excerpt

__all__ = ["MOST_FILE_BYTES", "MOST_VALUES", "read_measured"]

MOST_VALUES = 1_000_000
"""The most values that are read from a file of measured times."""
MOST_FILE_BYTES = 100_000_000
"""And the largest such file: a hundred bytes a value."""

_MEND = "Name a file, by its place from the design's folder, that has one time in seconds a line, such as `0.0042`."


def read_measured(name: str, beside: str = "") -> list[float]:
    """The times in seconds in the file called `name`, whose place is told from the folder of the file `beside`.

    Raises QuantityError (`unreadable-file`) for a file that is not there, cannot be read, is too large, has no
    values, or has a line that is no time.
    """
    shown = excerpt(name)
    values: list[float] = []
    number = 0
    try:
        path = Path(beside).parent / name
        if not path.is_file():
            raise _refusal(f"`{shown}` is no file that is there.")
        if path.stat().st_size > MOST_FILE_BYTES:
            raise _refusal(f"`{shown}` is larger than {MOST_FILE_BYTES / 1e6:.0f} MB.")
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                text = line.split(",", 1)[0].strip()
                if not text or text.startswith("#"):
                    continue
                if len(values) >= MOST_VALUES:
                    raise _refusal(f"`{shown}` has more than {MOST_VALUES:,} values.")
                value = float(text)
                if not 0 <= value < math.inf:
                    raise _refusal(f"Line {number:,} of `{shown}` is negative or no finite number.")
                values.append(value)
    except UnicodeDecodeError:
        raise _refusal(f"`{shown}` cannot be read: it is no text.") from None
    except OSError as error:
        raise _refusal(f"`{shown}` cannot be read: {(error.strerror or 'no such file').lower()}.") from None
    except QuantityError:
        raise
    except ValueError:  # of `float`, or of a name that no file can have
        said = (
            f"Line {number:,} of `{shown}` is no number."
            if number
            else f"`{shown}` is no file that is there."
        )
        raise _refusal(said) from None
    if not values:
        raise _refusal(f"`{shown}` has no values.")
    return values


def _refusal(message: str) -> QuantityError:
    return QuantityError("unreadable-file", message, _MEND)
