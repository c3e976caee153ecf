"""A job as a program declares it, and what is known beside: what the table of `rules.py` asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class QueueFacts:
    """What is known of the queue that a job runs on. None: not known.

    Attributes:
        in_pool: whether it lives in an elastic resource pool.
        basic_pool: whether that pool is of the basic edition.
        cus: how many CUs it has.
        versions: the Flink versions that it offers to jobs of this kind; empty: not known.
    """

    in_pool: bool | None = None
    basic_pool: bool | None = None
    cus: int | None = None
    versions: tuple[str, ...] = ()

    def beside(self, other: QueueFacts) -> QueueFacts:
        """These facts, and where they say nothing, the others."""
        return QueueFacts(
            self.in_pool if self.in_pool is not None else other.in_pool,
            self.basic_pool if self.basic_pool is not None else other.basic_pool,
            self.cus if self.cus is not None else other.cus,
            self.versions or other.versions,
        )


@dataclass(frozen=True)
class Declared:
    """A job as the program declares it, and what is known beside.

    Attributes:
        inputs: the checked inputs; what is not given is absent.
        queue: what is known of its queue.
        cloud: `otc`, `huawei`, or "" where the endpoint does not tell.
    """

    inputs: Mapping[str, Any]
    queue: QueueFacts = field(default_factory=QueueFacts)
    cloud: str = ""

    def __getattr__(self, name: str) -> Any:
        """An input that was given, else None."""
        return self.inputs.get(name)

    @property
    def version(self) -> tuple[int, int] | None:
        return version_of(self.inputs.get("flink_version"))

    @property
    def offered(self) -> bool | None:
        """Whether its queue offers its Flink version; None where the queue, or the program, says nothing."""
        known = {version_of(text) for text in self.queue.versions} - {None}
        return None if self.version is None or not known else self.version in known

    @property
    def new(self) -> bool:
        """Whether it runs on Flink 1.15 or later."""
        return self.since(1, 15)

    @property
    def old(self) -> bool:
        """Whether it runs on Flink 1.12 or older; false where the version is not known."""
        return self.version is not None and self.version < (1, 13)

    def since(self, *version: int) -> bool:
        return self.version is not None and self.version >= version

    @property
    def agency(self) -> str:
        return str(self.inputs.get("execution_agency_urn") or "")

    @property
    def powerless(self) -> bool:
        """Flink 1.15 or later without an agency, which alone may read and write OBS."""
        return self.new and not self.agency

    @property
    def demands_state(self) -> bool:
        """Whether the program asks for savepoints or checkpoints in so many words, and not by a default."""
        return (
            self.upgrade_mode in ("savepoint", "last-state")
            or bool(self.savepoint_on_delete)
            or bool(self.savepoint_nonce)
            or bool(self.initial_savepoint_path)
        )

    @property
    def packages(self) -> list[str]:
        given = [self.entrypoint, *(self.dependency_jars or ()), *(self.dependency_files or ())]
        return [_path(item) for item in given if item]

    @property
    def udf(self) -> str:
        """The jar of functions of an SQL job; "" for none."""
        return _path(self.udf_jar_url) if self.udf_jar_url else ""

    @property
    def grouped_udf(self) -> bool:
        """Whether that jar is a package of a group."""
        return bool(self.udf) and "://" not in self.udf

    @property
    def is_sql(self) -> bool:
        """Whether it is an SQL job, which always says its `run_mode`."""
        return "run_mode" in self.inputs

    @property
    def grouped(self) -> bool:
        """Whether it names a package that is not an object in OBS."""
        return any("://" not in path for path in self.packages)

    @property
    def runtime(self) -> Mapping[str, str]:
        return self.inputs.get("runtime_config") or {}

    def sets(self, pattern: str) -> bool:
        """Whether `runtime_config` has a key of this form."""
        return any(re.fullmatch(pattern, key) for key in self.runtime)

    def switched_on(self, key: str) -> bool:
        return str(self.runtime.get(key, "")).lower() == "true"

    @property
    def cu_sizes(self) -> list[str]:
        names = ("cu_number", "manager_cu_number", "tm_cus", "tm_slot_num")
        return [name for name in names if self.inputs.get(name) is not None]

    @property
    def machines(self) -> list[Mapping[str, Any]]:
        """The sizes of JobManager and TaskManager in `resource_config`."""
        config = self.inputs.get("resource_config") or {}
        return [config.get(f"{kind}_resource_spec") or {} for kind in ("jobmanager", "taskmanager")]

    @property
    def words(self) -> dict[str, str]:
        """What the texts of the table may name. Never a value that may be secret."""
        return {
            "version": ".".join(map(str, self.version or ())),
            "sizes": ", ".join(self.cu_sizes),
            "cus": str(self.queue.cus),
            "versions": ", ".join(self.queue.versions),
        }


def _path(package: Any) -> str:
    return str(package["path"] if isinstance(package, Mapping) else package)


def cloud_of(endpoint: str) -> str:
    """Whose reference holds: `otc` or `huawei`; "" where the endpoint does not tell."""
    host = urlsplit(endpoint).hostname or ""
    clouds = {"otc.t-systems.com": "otc", "myhuaweicloud.com": "huawei", "myhuaweicloud.eu": "huawei"}
    return next((cloud for domain, cloud in clouds.items() if host == domain or host.endswith("." + domain)), "")


def version_of(text: Any) -> tuple[int, int] | None:
    """Major and minor number of a Flink version; None when it names none."""
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})(\..*)?", str(text or ""), flags=re.DOTALL)
    return (int(found[1]), int(found[2])) if found else None


def gigabytes(memory: str) -> float:
    """`4G`, `4096MB` or `4` as GB; 0 for anything else."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([GgMm]?)[Bb]?", memory)
    if not found:
        return 0.0
    return float(found[1]) / (1024 if found[2].lower() == "m" else 1)
