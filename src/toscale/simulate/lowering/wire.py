"""How long is a message on the wire? By the pair that the file names, else by where both ends are.

A latency in the file is a round trip: each direction takes half of it. The two halves are drawn
independently, with a spread such that the round trip has the mean and the variance that it should have.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf, sqrt

from toscale.design.model import Component, Design
from toscale.design.model import Link as DesignLink
from toscale.design.parts import Time
from toscale.engine.laws import Law
from toscale.engine.model import Link
from toscale.kinds import NETWORK_CV, RESEND_AFTER
from toscale.quantity.times import Shape
from toscale.quantity.units import BANDWIDTH
from toscale.simulate.lowering.ledger import Ledger, NotComputable
from toscale.simulate.lowering.values import Values, shown_time

__all__ = ["Wire", "half"]

_NOTHING = Link()


def half(round_trip: Law) -> Law:
    """The law of one direction: two independent draws add up to the mean and the variance of the round trip.

    The sum of two gammas of the same scale is the gamma of the round trip exactly; a lognormal stays a
    lognormal.
    """
    mean, cv = round_trip.mean, round_trip.cv
    if mean == 0 or cv == 0:
        return Law.fixed(mean / 2)
    if cv == inf or round_trip.shape == "empirical":
        return round_trip.scaled(0.5)
    if round_trip.shape == "lognormal":
        return Law.lognormal(mean / 2, cv * sqrt(2))
    return Law.gamma(mean / 2, cv * sqrt(2))


@dataclass(slots=True)
class Wire:
    """The links of a design. A place is the name of a component or of an actor; None is nowhere, and not on
    the network.
    """

    design: Design
    values: Values
    ledger: Ledger
    outside: dict[str, None] = field(
        default_factory=dict
    )  # components in no zone that are called across zones
    apart: tuple[str, str] | None = None  # two ends whose messages a fault may lose
    _links: dict[tuple[str, str], Link] = field(default_factory=dict)

    def link(self, here: str | None, there: str) -> Link:
        """One direction from one place to the other; the same back."""
        if here is None or here == there:
            return _NOTHING
        pair = (here, there) if here <= there else (there, here)
        if pair not in self._links:
            found = self._find(*pair)
            if found == _NOTHING and not self._together(
                *pair
            ):  # no time on the way, but what is large takes its time
                wide = self._bandwidth(None)
                found = replace(found, near_bandwidth=wide, far_bandwidth=wide)
            if self.apart is not None and pair == tuple(sorted(self.apart)):
                found = replace(found, between=" - ".join(self.apart), resend_after=self._resend_after())
            self._links[pair] = found
        return self._links[pair]

    def _find(self, one: str, other: str) -> Link:
        network = self.design.network
        pair = network.link(one, other)
        if pair is not None:
            law = self._law(pair)
            return self._with_loss(law, law, pair, pair, pair)
        ends = [self._housed(name) for name in (one, other)]
        first, second = ends
        if first is not None and second is not None:
            if self._together(one, other):
                return _NOTHING
            if first.region and second.region and first.region != second.region:
                return self._by_place(network.between_regions, "between regions", one, other)
        zoned = [end for end in ends if end is not None and end.zones]
        if len(zoned) == 2:
            return self._between(zoned[0], zoned[1])
        if len(zoned) == 1:
            outside = one if zoned[0].name == other else other
            return self._across(outside, zoned[0].name)
        self._say_outside(one, other)
        return _NOTHING

    def _together(self, one: str, other: str) -> bool:
        """Whether the two stand on the same machines."""
        first, second = (self.design.components.get(name) for name in (one, other))
        if first is None or second is None:
            return False
        return (
            first.beside == other
            or second.beside == one
            or bool(first.beside and first.beside == second.beside)
        )

    def _housed(self, name: str) -> Component | None:
        """A component; one that is beside another stands where that stands."""
        component = self.design.components.get(name)
        host = None if component is None else self.design.components.get(component.beside or "")
        if component is None or host is None or component.zones:
            return component
        return replace(component, zones=host.zones, region=component.region or host.region)

    def _between(self, first: Component, second: Component) -> Link:
        """Both have machines in zones: the time depends on the two machines."""
        network = self.design.network
        near, far = network.within_a_zone, network.between_zones
        if near is None and far is None:
            return _NOTHING
        if far is None and len({*first.zones, *second.zones}) > 1:
            self.ledger.note(
                "`network` gives no time `between zones`: a call from a machine in one zone to one in "
                "another takes no time on the wire.",
                network.place,
            )
        near_law = None if near is None else self._law(near)
        far_law = None if far is None else self._law(far)
        said = far if far is not None and far.loss is not None else near or far
        return self._with_loss(near_law, far_law, said, near, far)

    def _across(self, outside: str, inside: str) -> Link:
        """Only one of them is in zones."""
        self.outside[outside] = None
        between = self.design.network.between_zones
        return _NOTHING if between is None else self._by_place(between, "between zones", outside, inside)

    def say_outside(self) -> None:
        """What holds for components that are in no zone, once all links have been asked for."""
        network = self.design.network
        if not self.outside or not (network.between_zones or network.within_a_zone or network.links):
            return
        names = ", ".join(f"`{name}`" for name in self.outside)
        what = (
            f"Not in a zone, and so outside all zones: {names}. A call between one of them and a "
            "component in zones takes"
        )
        if network.between_zones is not None:
            self.ledger.note(f"{what} the time `between zones`.", network.place)
        else:
            self.ledger.note(
                f"{what} no time on the wire, unless `network` names the pair, as nothing gives the time "
                "`between zones`.",
                network.place,
            )

    def _by_place(self, link: DesignLink | None, words: str, one: str, other: str) -> Link:
        if link is None:
            self.ledger.note(
                f"`network` gives no time `{words}`: a call between `{one}` and `{other}` takes none."
            )
            return _NOTHING
        law = self._law(link)
        return self._with_loss(law, law, link, link, link)

    def _say_outside(self, one: str, other: str) -> None:
        network = self.design.network
        if not (network.links or network.within_a_zone or network.between_zones):
            return
        actors = [name for name in (one, other) if name not in self.design.components]
        if actors:
            self.ledger.note(
                f"`network` does not say how far `{one}` and `{other}` are from each other: nothing "
                "between them takes time on the wire.",
                network.place,
            )
        else:
            self.ledger.note(
                "Between two components that are in no zone nothing takes time on the wire, unless "
                "`network` names the pair.",
                network.place,
            )

    def _law(self, link: DesignLink) -> Law | None:
        if link.latency is None:
            return None
        return half(self._round_trip(link.latency))

    def _round_trip(self, time: Time) -> Law:
        random = self.values.random(time)
        if random.shape is Shape.EMPIRICAL:
            return Law.empirical(self.values.measured(time, random))
        if not random.spread_given and random.mean:
            self.ledger.take(
                "network", "spread of round trips", NETWORK_CV, f"cv {NETWORK_CV.value:g} (gamma)"
            )
        return self.values.bounded(time, random.with_spread(Shape.GAMMA, NETWORK_CV.value))

    def _with_loss(
        self,
        near: Law | None,
        far: Law | None,
        said: DesignLink | None,
        near_link: DesignLink | None,
        far_link: DesignLink | None,
    ) -> Link:
        """A link with the loss that is `said`, and the bandwidth within a zone and beyond it."""
        network = self.design.network
        near_wide, far_wide = self._bandwidth(near_link), self._bandwidth(far_link)
        formula = said.loss if said is not None and said.loss is not None else network.loss
        loss = 0.0 if formula is None else self.values.share(formula)
        if loss == 0:
            return Link(near, far, near_bandwidth=near_wide, far_bandwidth=far_wide)
        resend = self._resend_after()
        return Link(near, far, loss, resend, near_bandwidth=near_wide, far_bandwidth=far_wide)

    def _bandwidth(self, link: DesignLink | None) -> float | None:
        """Bytes per second."""
        formula = (link.bandwidth if link else None) or self.design.network.bandwidth
        if formula is None:
            return None
        found = self.values.number(formula, BANDWIDTH)
        if found <= 0:
            raise NotComputable(f"`{formula.text}` lets nothing pass", formula.place)
        return found

    def _resend_after(self) -> float:
        """After how many seconds a lost message is sent again."""
        given = self.design.network.resend_after
        if given is not None:
            return self.values.time(given)
        return self.ledger.take(
            "network", "time-out of the transport", RESEND_AFTER, shown_time(RESEND_AFTER.value)
        )
