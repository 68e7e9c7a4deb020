"""What do a bound, a linger, and deliveries in vain make of a queue's consumer?

On top of the batches of `toscale.theory.queues.bulk`, by one partition's consumer. What grows too old is not
dropped here.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from toscale.theory.queues import Batches, Overloaded, attempts, bulk, limited

if TYPE_CHECKING:
    from toscale.engine.model import Buffer, Consume


def deliveries(buffer: Buffer, fails: float) -> tuple[float, float]:
    """Mean number of deliveries of a message, each of which fails with that chance, and the chance that it
    dies.
    """
    return attempts(fails, buffer.deliveries - 1), fails**buffer.deliveries


def refused(rate: float, service: float, cv2: float, batch: int, buffer: Buffer) -> float:
    """The share of a partition's messages, offered at that rate, for which there is no place.

    By M/G/1/K with the partition's part of the places, a batch as so many fast ones: exact for one partition
    with exponential times and no batches.
    """
    if buffer.most is None or rate <= 0 or service <= 0:
        return 0.0
    if service == inf:
        return 1.0
    return limited(rate, service / batch, 1, buffer.most / buffer.partitions, cv2).refused


def consumer(rate: float, service: float, cv2: float, source: Consume, buffer: Buffer) -> Batches | None:
    """One partition's consumer, whose batches take `service` seconds; None where it cannot keep up.

    `rate`: messages that enter, with those that are delivered again. A batch that lingers waits from its first
    message on for up to L seconds, or until it is full: while nobody is served, of 1 + rate L messages the
    first waits L and the others half of it. Exact where batches take no time.
    """
    if service == inf:
        return None
    found = Batches(1.0, 0.0, 0.0, 0.0)
    if rate > 0 and service > 0:
        try:
            found = bulk(rate, service, cv2, source.batch)
        except Overloaded:
            return None
    if buffer.most is not None and rate > 0:  # never more wait than there are places (Little's law)
        found = replace(found, wait=min(found.wait, buffer.most / buffer.partitions / rate))
    if source.linger > 0 and source.batch > 1 and rate > 0:
        most = min(source.linger, (source.batch - 1) / rate)
        size = max(found.size, min(float(source.batch), 1 + rate * most))
        waits = (most + rate * most * most / 2) / (1 + rate * most)
        busy = min(1.0, rate * service / size)
        found = replace(found, size=size, busy=busy, wait=found.wait + (1 - busy) * waits)
    return found
