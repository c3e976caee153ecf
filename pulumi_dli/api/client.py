"""The client of DLI: its sections over one transport, and the one registry of clients.

Lifecycles, functions and the command line call it. `from pulumi_dli.api.client import client_for`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pulumi_dli.api.datasource_connections import DatasourceConnections
from pulumi_dli.api.elastic_resource_pools import ElasticResourcePools
from pulumi_dli.api.exchange import DEFAULT_LIMITS, Limits
from pulumi_dli.api.flink_jobs import FlinkJobs
from pulumi_dli.api.package_groups import PackageGroups
from pulumi_dli.api.queues import Queues
from pulumi_dli.api.quotas import Quota, read_quotas
from pulumi_dli.api.responses import Request
from pulumi_dli.api.retry import DEFAULT_POLICY, Idempotency, RetryPolicy
from pulumi_dli.api.small_objects import SmallObjects
from pulumi_dli.api.tags import Tags
from pulumi_dli.api.transport import Transport
from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.connection import Connection
from pulumi_dli.errors import ApiError

_ALREADY_AUTHORISED = "DLI.19005"


class DliClient:
    """Typed calls of Data Lake Insight; one connection pool, one token, safe to use from many threads.

    Making one sends nothing. At most `connection.max_concurrency` requests are under way; a 429 slows all of them down
    together. What is repeated after which outcome is the table in `retry.py`. `limits` bound each exchange.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock = SYSTEM_CLOCK,
        policy: RetryPolicy = DEFAULT_POLICY,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.connection = connection
        self._transport = Transport(connection, clock=clock, policy=policy, limits=limits)
        self.queues = Queues(self._transport)
        self.elastic_resource_pools = ElasticResourcePools(self._transport)
        self.datasource_connections = DatasourceConnections(self._transport)
        self.package_groups = PackageGroups(self._transport)
        self.flink_jobs = FlinkJobs(self._transport)
        self.tags = Tags(self._transport)
        self.small_objects = SmallObjects(connection)

    @property
    def project_id(self) -> str:
        """Of the connection; with a password and no project id the token tells it (one call, the first time)."""
        return self._transport.project_id

    @property
    def service_time(self) -> float | None:
        """The service's own clock, in seconds since the epoch, at its newest answer; None before the first."""
        return self._transport.service_time

    @property
    def calls(self) -> int:
        """How many requests were sent to DLI, repeated ones included; asking IAM for tokens is not counted."""
        return self._transport.calls

    def obs_authorize(self, buckets: Sequence[str]) -> None:
        """Let DLI use OBS buckets; one that it may use already is fine (dli-api 2.4)."""
        request = Request(
            "POST",
            "v1.0",
            ("dli", "obs-authorize"),
            f"authorise buckets {', '.join(buckets)}",
            Idempotency.SAFE,
            body={"obs_buckets": [*buckets]},
        )
        try:
            self._transport.send(request)
        except ApiError as error:
            if error.code != _ALREADY_AUTHORISED:
                raise

    def quotas(self) -> Sequence[Quota]:
        """What the project may hold, as far as the region tells."""
        return read_quotas(self._transport)

    def close(self) -> None:
        """Send waiting callers away and close the pool."""
        self._transport.close()
        self.small_objects.close()


_clients: dict[Connection, DliClient] = {}
_clients_lock = threading.Lock()


def client_for(connection: Connection) -> DliClient:
    """The one client of this process for a connection: all resources share its pool, token and limits."""
    with _clients_lock:
        client = _clients.get(connection)
        if client is None:
            client = _clients[connection] = DliClient(connection)
        return client
