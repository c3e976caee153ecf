"""Which networks meet where a datasource connection leads, over all that a program declares (dli_01_0003, dli_03_0179).

Every resource of a program passes check and diff in one process. There pools, queues and connections are declared
here, and whichever comes last hears of networks that overlap, before anything is touched: the peering would fail, a
failed one cannot be unbound (dli_01_0555), and a pool's network never changes. It makes no call; what the service knows
beside the program comes from who calls.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

POOL, QUEUE = "pool", "queue"


@dataclass(frozen=True, order=True)
class End:
    """What is bound to a connection: a pool, or a queue outside of pools."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Way:
    """A connection as far as its networks matter.

    Attributes:
        name: of the connection.
        subnet: the network of the data, "" where it is not known.
    """

    name: str
    vpc: str
    subnet: str
    ends: frozenset[End]


@dataclass
class DeclaredNetworks:
    """The pools, queues and connections of one program, by URN. Thread-safe."""

    _ends: dict[str, tuple[End, str]] = field(default_factory=dict)
    _ways: dict[str, Way] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def declare_end(self, urn: str, end: End, network: str) -> str | None:
        """A pool or queue of the program and its network; what overlaps because of it, None when nothing does."""
        with self._lock:
            self._ends[urn] = end, network
            ways = [way for way in self._ways.values() if end in way.ends]
            return next(filter(None, (self._problem(way, {}, ()) for way in ways)), None)

    def declare_way(
        self, urn: str, way: Way, *, networks: Mapping[End, str] | None = None, others: Iterable[Way] = ()
    ) -> str | None:
        """A connection of the program; as `declare_end`.

        Args:
            networks: of pools and queues that the service has.
            others: the connections that the service has beside this one.
        """
        with self._lock:
            self._ways[urn] = way
            return self._problem(way, networks or {}, others)

    def _problem(self, way: Way, networks: Mapping[End, str], others: Iterable[Way]) -> str | None:
        known = {**networks, **dict(self._ends.values())}
        declared = {other.name: other for other in self._ways.values()}
        there = {**{other.name: other for other in others}, **declared}
        return overlap(way, known, [other for other in there.values() if other.name != way.name])


def overlap(way: Way, networks: Mapping[End, str], others: Iterable[Way]) -> str | None:
    """The first two networks that cannot both be reached where this connection leads; None when all can."""
    there = [(end, way.name) for end in sorted(way.ends)]
    there += [(end, other.name) for other in others if other.vpc == way.vpc for end in sorted(other.ends)]
    for end in sorted(way.ends):
        if end not in networks:
            continue
        if way.subnet and _meet(networks[end], way.subnet):
            return _said(way, end, networks[end], f"the subnet {way.subnet} of the data")
        for other, at in there:
            if other != end and other in networks and _meet(networks[end], networks[other]):
                where = "" if at == way.name else f", which connection {at} binds to the same VPC"
                return _said(way, end, networks[end], f"{networks[other]} of {other}{where}")
    return None


def _said(way: Way, end: End, network: str, what: str) -> str:
    return (
        f"datasource connection {way.name}: the network {network} of {end} overlaps {what}, so the peering would fail. "
        f"The network of a pool never changes: bind one with another cidr_in_vpc"
    )


def _meet(one: str, other: str) -> bool:
    try:
        first, second = (ipaddress.ip_network(text, strict=False) for text in (one, other))
    except ValueError:
        return False
    return first.version == second.version and first.overlaps(second)


PROCESS_NETWORKS = DeclaredNetworks()
"""Those of this process's program."""
