"""Declarations that can never work: resource, what is declared, the property and the words it is refused with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

GOOD: dict[str, dict[str, Any]] = {
    "DatasourceConnection": {"name": "c", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1"},
    "Queue": {"queue_name": "q", "cu_count": 16},
    "ElasticResourcePool": {"elastic_resource_pool_name": "p", "min_cu": 64, "max_cu": 128},
    "PackageGroup": {"group_name": "g", "packages": ["obs://jars/a.jar"]},
    "UploadedPackage": {"source": "build/a.jar", "bucket": "jars", "digest": "0" * 64},
    "FlinkJarJob": {"name": "j", "queue_name": "q", "entrypoint": "obs://jars/a.jar", "obs_bucket": "state"},
    "FlinkSqlJob": {"name": "s", "queue_name": "q", "sql_body": "insert into a select * from b", "obs_bucket": "state"},
}
"""A declaration of each resource that is fine; each row changes one thing of it, or some."""


@dataclass(frozen=True)
class Row:
    """One bad declaration. `also` are inputs that the row needs beside the bad one."""

    resource: str
    field: str
    value: Any
    message: str
    also: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def declaration(self) -> dict[str, Any]:
        return {**GOOD[self.resource], **self.also, self.field: self.value}


def each(resource: str, name: str, message: str, values: Iterable[Any], **also: Any) -> list[Row]:
    return [Row(resource, name, value, message, also) for value in values]


TEN = "10.0.0.0/16"
CONTROL = ["a\x00b", "a\x07b", "a\x1b[31mb", "a\u202eb", "a\u2028b", "a\x7fb"]
BAD_BUCKETS = [
    "",
    "ab",
    "a" * 64,
    "Jars",
    "my_bucket",
    "obs://jars",
    "obs://jars/x",
    "jars/",
    "jars/folder",
    "-jars",
    "jars-",
    ".jars",
    "ja..rs",
    "ja.-rs",
    "192.168.0.1",
    "my bucket",
    " jars",
    "jars\n",
    "jars\x00",
    "größe",
    "https://jars.obs.eu-de.otc.t-systems.com",
    "urn:obs:jars",
]
BAD_FOLDERS = ["../x", "a/../b", "./a", "a//b", "a\\b", " a/b", "a/ b", "a\nb", "a\x00b", "a/\u202eb", "x" * 1100]
BAD_OBJECTS = [f"obs://jars/{folder}/a.jar" for folder in BAD_FOLDERS] + [
    "obs://",
    "obs://jars",
    "obs://jars/",
    "obs:///a.jar",
    "obs://Jars/a.jar",
    "obs://j/a.jar",
    "obs://my_bucket/a.jar",
    "obs://jars/folder/",
    "obs://jars/a.jar?versionId=1",
    "obs://jars/a.jar#x",
    "obs://jars/a.jar\n",
    "obs://jars/ a.jar",
    "obs://user:pw@jars/a.jar",
]
BAD_REFERENCES = [
    "g/a b.jar",
    "g/.a.jar",
    "g/" + "a" * 129,
    "a\n.jar",
    "a.jar\n",
    "a?.jar",
    "größe/a.jar",
    "g g/a.jar",
    "x" * 65 + "/a.jar",
    "g/a\x00.jar",
    "a*.jar",
]
BAD_NAMES = ["", "_q", "123", "a-b", "a b", "q\n", "\nq", "größe", "a.b", "a/b", "x" * 129, "a\x00", "q\u202e"]
BAD_PACKAGE_NAMES = [".a.jar", "a b.jar", "a/b.jar", "a\n.jar", "a.jar\n", "x" * 129, "a\x00.jar", "größe.jar", "a*"]

QUEUES = [
    *each("Queue", "queue_name", "does not begin with _", BAD_NAMES),
    *each("Queue", "queue_name", "the service's own", ["default", "Default"]),
    *each("Queue", "cu_count", "multiple of 16", [0, -16, 15, 17, 20, 100, 4, 8]),
    *each("Queue", "cu_count", "at most 32000", [32016, 2**40]),
    *each("Queue", "cu_count", "multiple of 16", [2, 6, 13], elastic_resource_pool_name="p"),
    *each("Queue", "elastic_resource_pool_name", "does not begin with _", BAD_NAMES),
    *each("Queue", "queue_type", "one of general, sql", ["", "flink", "General", "general\n"]),
    *each("Queue", "platform", "one of x86_64", ["", "arm", "x86_64\n"]),
    *each("Queue", "feature", "one of basic, ai", ["", "ml", "basic "]),
    *each("Queue", "description", "control characters", CONTROL),
    *each("Queue", "description", "256", ["x" * 257]),
    *each("Queue", "engine", "one of spark, hetuEngine", ["", "flink", "Spark", "spark\n"], queue_type="sql"),
    *each("Queue", "engine", "SQL queues", ["spark"]),
    *each("Queue", "labels", "key=value", [["multi_az"], ["a b=1"], ["a=1,b=2"], ["=1"], ["a="], ["a=b=c"], ["a=1\n"]]),
    *each("Queue", "labels", "key=value", [["größe=1"], ['{"multi_az": "2"}'], [""]]),
    *each("Queue", "labels", "a key twice", [["a=1", "a=2"]]),
    *each("Queue", "labels", "multi_az takes 2 only", [["multi_az=3"], ["multi_az=0"]]),
    *each("Queue", "labels", "span zones", [["multi_az=2"]], elastic_resource_pool_name="p"),
    *each("Queue", "enterprise_project_id", "id of 1 to 64", ["", "a b", "0\n", "x" * 65, "../0"]),
    *each(
        "Queue",
        "cidr_in_vpc",
        "IPv4 network",
        ["", "all", "10.0.0.0/33", "10.0.0.1/16", "300.0.0.0/16", "10.0.0/16", "fd00::/16", "10.0.0.0/16\n", "a/b"],
    ),
    *each("Queue", "cidr_in_vpc", "prefix", ["10.0.0.0", "10.0.0.0/32", "10.0.0.0/28", "0.0.0.0/0"]),
    *each("Queue", "cidr_in_vpc", "192.168.0.0/16", ["8.8.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16"]),
    *each("Queue", "cidr_in_vpc", "pool's network", ["10.0.0.0/16"], elastic_resource_pool_name="p"),
    *each(
        "Queue", "tags", "128", [{"": "x"}, {" a": "x"}, {"a ": "x"}, {"_sys_a": "x"}, {"x" * 129: "x"}, {"a*": "x"}]
    ),
    *each("Queue", "tags", "128", [{"a\n": "x"}, {"a\x00": "x"}, {"a<b": "x"}]),
    *each("Queue", "tags", "needs keys", [{"a/b": "x"}, {"a=b": "x"}]),
    *each("PackageGroup", "tags", "needs as value", [{"a": "x/y"}, {"a": "x=y"}]),
    *each("FlinkJarJob", "tags", "needs", [{"a/b": "x"}, {"a": "x/y"}]),
    *each("Queue", "tags", "255", [{"a": "x" * 256}, {"a": "b\n"}, {"a": "b*"}, {"a": "b\x00"}]),
    *each("Queue", "tags", "provider's own", [{"pulumi_dli_owner": "me"}]),
    *each("Queue", "tags", "at most 19", [{f"k{n}": "" for n in range(20)}]),
    *each("Queue", "properties", "needs keys", [{"a b": "1"}, {"a=b": "1"}], queue_type="sql"),
    *each("Queue", "cu_cuont", "did you mean cu_count", [16]),
    *each("Queue", "no_such_thing", "no such input", [1]),
]

POOL = "ElasticResourcePool"
POOLS = [
    *each(POOL, "elastic_resource_pool_name", "", BAD_NAMES),
    *each(POOL, "min_cu", "", [0, -16, 15, 2.5, 2**40, "many", True, float("inf"), float("nan"), 256]),
    *each(POOL, "max_cu", "", [0, -16, 32001, 2.5, 2**40, "many", float("inf"), float("nan")]),
    *each(POOL, "description", "control characters", CONTROL),
    *each(POOL, "description", "256", ["x" * 257]),
    *each(
        POOL, "cidr_in_vpc", "", ["", "all", "10.0.0.0/33", "10.0.0.1/16", "fd00::/16", "10.0.0.0/16\n", "8.8.0.0/16"]
    ),
    *each(POOL, "charging_mode", "must be 1", [0, 2, -1]),
    *each(POOL, "tags", "provider's own", [{"pulumi_dli_owner": "me"}]),
    *each(POOL, "tags", "128", [{"": "x"}, {" a": "x"}, {"x" * 129: "x"}, {"a\x00": "x"}, {"a<b": "x"}]),
    *each(POOL, "no_such_thing", "no such input", [1]),
]

BAD_IDS = ["", "a b", "vpc\n", "größe", "x" * 65, "vpc/1", "vpc\x00"]
BAD_NETWORKS = [
    "",
    "all",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.1/16",
    "300.0.0.0/16",
    "10.0.0/16",
    "10.0.0.0/16\n",
    "a/b",
]
OWN_NETWORKS = ["100.125.0.0/16", "100.64.3.0/24", "100.64.0.0/10", "0.0.0.0/0"]
CONNECTIONS = [
    *each("DatasourceConnection", "name", "1 to 64", ["", "a-b", "a b", "c\n", "größe", "x" * 65, "c\x00", "a.b"]),
    *each("DatasourceConnection", "dest_vpc_id", "an id of 1 to 64", BAD_IDS),
    *each("DatasourceConnection", "dest_network_id", "an id of 1 to 64", BAD_IDS),
    *each("DatasourceConnection", "routetable_id", "an id of 1 to 64", BAD_IDS),
    *each(
        "DatasourceConnection", "queues", "default cannot be bound", [["default"], ["Default"], ["a-b"], ["q\n"], [""]]
    ),
    *each("DatasourceConnection", "elastic_resource_pools", "item 1", [["a b"], ["größe"], ["x" * 129], ["p\x00"]]),
    *each("DatasourceConnection", "elastic_resource_pools", "list", ["pool", {"pool": "p"}, 1]),
    *each(
        "DatasourceConnection",
        "hosts",
        "begin with a letter",
        [[{"name": name, "ip": "10.0.0.1"}] for name in ("", "1a", "a b", "a\n", "größe", "x" * 129, "-a")],
    ),
    *each(
        "DatasourceConnection",
        "hosts",
        "IPv4 address",
        [[{"name": "a", "ip": ip}] for ip in ("", "10.0.0", "10.0.0.256", "::1", "10.0.0.1/32", "10.0.0.1\n", "host")],
    ),
    *each("DatasourceConnection", "hosts", "needs ip", [[{"name": "a"}]]),
    *each("DatasourceConnection", "hosts", "has no 'port'", [[{"name": "a", "ip": "10.0.0.1", "port": 9092}]]),
    *each("DatasourceConnection", "hosts", "20000", [[{"name": f"h{n}", "ip": "10.0.0.1"} for n in range(20_001)]]),
    *each(
        "DatasourceConnection",
        "routes",
        "a network such as",
        [[{"name": "r", "cidr": cidr}] for cidr in BAD_NETWORKS],
    ),
    *each(
        "DatasourceConnection",
        "routes",
        "the service reaches itself",
        [[{"name": "r", "cidr": n}] for n in OWN_NETWORKS],
    ),
    *each(
        "DatasourceConnection", "routes", "1 to 64", [[{"name": n, "cidr": TEN}] for n in ("", "a.b", "a b", "x" * 65)]
    ),
    *each(
        "DatasourceConnection",
        "routes",
        "two routes with the name r",
        [[{"name": "r", "cidr": TEN}, {"name": "r", "cidr": "10.1.0.0/16"}]],
    ),
    *each(
        "DatasourceConnection",
        "routes",
        f"two routes with the cidr {TEN}",
        [[{"name": "r", "cidr": TEN}, {"name": "s", "cidr": TEN}]],
    ),
    *each("DatasourceConnection", "dest_cidr", "a network such as", BAD_NETWORKS),
    *each("DatasourceConnection", "tags", "provider's own", [{"pulumi_dli_owner": "me"}]),
    *each("DatasourceConnection", "adopt", "True or False", ["yes", 1]),
    *each("DatasourceConnection", "dest_vpc", "did you mean dest_vpc_id", ["vpc-1"]),
]

GROUPS = [
    *each("PackageGroup", "group_name", "1 to 64 letters", ["", "a b", "a/b", "g\n", "größe", "x" * 65, "g\x00", "a*"]),
    *each("PackageGroup", "packages", "at least 1 item", [[]]),
    *each("PackageGroup", "packages", "two packages", [["obs://jars/a.jar", "obs://libs/a.jar"]]),
    *each("PackageGroup", "packages", "to which OBS bucket", [["build/a.jar"]]),
    *each("PackageGroup", "packages", "one of jar", [[{"path": "obs://jars/a.jar", "kind": "war"}]]),
    *each("PackageGroup", "packages", "keeps its own name", [[{"path": "obs://jars/a.jar", "name": "b.jar"}]]),
    *each("PackageGroup", "packages", "obs://bucket/key", [["ftp://jars/a.jar"]]),
    *each("PackageGroup", "packages", "regular file", [["/dev/zero"], ["/dev/null"]], bucket="jars"),
    *each("PackageGroup", "packages", "", [[path] for path in BAD_OBJECTS]),
    *each("PackageGroup", "packages", "user and password", [["https://user:pw@jars.obs.example/a.jar"]]),
    *each(
        "PackageGroup",
        "packages",
        "128 letters",
        [[{"path": "a.jar", "name": name}] for name in BAD_PACKAGE_NAMES],
        bucket="jars",
    ),
    *each("PackageGroup", "packages", "digest", [[{"path": "obs://jars/a.jar", "digest": "a b"}]]),
    *each("PackageGroup", "bucket", "name of a bucket", BAD_BUCKETS),
    *each("PackageGroup", "prefix", "", BAD_FOLDERS),
    *each("PackageGroup", "owner", "5 to 32", ["", "abc", "1user", "user name", "owner\n", "x" * 33, "us/er1"]),
]

UPLOADS = [
    *each("UploadedPackage", "source", "regular file", ["/dev/zero", "/dev/null", "/", "/dev", "."]),
    *each("UploadedPackage", "source", "must name a file", ["", " "]),
    *each("UploadedPackage", "source", "needs no upload", ["obs://jars/a.jar", "https://example.com/a.jar"]),
    *each("UploadedPackage", "source", "control characters", ["a\x00.jar", "a\n.jar"]),
    *each("UploadedPackage", "bucket", "name of a bucket", BAD_BUCKETS),
    *each("UploadedPackage", "prefix", "", BAD_FOLDERS),
    *each("UploadedPackage", "name", "128 letters", BAD_PACKAGE_NAMES),
    *each("UploadedPackage", "digest", "SHA-256", ["", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n"]),
]

V2 = {"resource_config_version": "v2"}


def machine(**sizes: Any) -> dict[str, Any]:
    return {"taskmanager_resource_spec": sizes}


SAVED = {"checkpoint_enabled": True}
JOBS = [
    *each("FlinkJarJob", "name", "1 to 57 letters", ["", "a b", "j\n", "a/b", "x" * 58, "a.b", "j\x00", "j\u202e"]),
    *each("FlinkJarJob", "desc", "512", ["x" * 513]),
    *each("FlinkJarJob", "desc", "control characters", CONTROL),
    *each("FlinkJarJob", "queue_name", "does not begin with _", [name for name in BAD_NAMES if 0 < len(name) < 129]),
    *each("FlinkJarJob", "queue_name", "shared and for SQL", ["default", "DEFAULT"]),
    *each("FlinkJarJob", "entrypoint", "", BAD_OBJECTS + BAD_REFERENCES + ["a/b/c.jar", "http://jars/a.jar", "/a.jar"]),
    *each("FlinkJarJob", "dependency_jars", "", [["obs://jars/b.jar", bad] for bad in BAD_OBJECTS[:6]]),
    *each("FlinkJarJob", "dependency_files", "", [["g/data.csv", bad] for bad in BAD_REFERENCES[:6]]),
    *each(
        "FlinkJarJob",
        "main_class",
        "name of a class",
        ["", "a b", "a..B", ".a.B", "a.B.", "1a.B", "a-b.C", "a.B\n", "a.B;", "a/B", "a.B\x00"],
    ),
    *each("FlinkJarJob", "entrypoint_args", "control characters", CONTROL),
    *each("FlinkJarJob", "flink_version", "text", [1.10, 1.15, 1.7, 2]),
    *each(
        "FlinkJarJob",
        "flink_version",
        "version such as",
        ["", "latest", "1", "v1.15", "1.15\n", "1.15 ", "1,15", "1.x"],
    ),
    *each("FlinkJarJob", "feature", "one of basic, custom", ["", "own", "basic\n"]),
    *each(
        "FlinkJarJob",
        "image",
        "organisation/name:version",
        ["name", "name:1", "o/n", "o/n:", "o/n:1\n", "O/n:1", "o/../n:1", "o n/m:1", "o/n:1 2", "o/n:1\x00"],
        feature="custom",
    ),
    *each("FlinkJarJob", "image", "organisation/name:version", [""]),
    *each("FlinkJarJob", "feature", "needs an image", ["custom"]),
    *each(
        "FlinkJarJob",
        "execution_agency_urn",
        "name (not the URN)",
        ["", "iam::1234:agency:mine", "a/b", "mine\n", " mine", "mine ", "x" * 65, "a\x00b", "größe"],
    ),
    *each("FlinkJarJob", "execution_agency_urn", "the service's own", ["dli_admin_agency", "dli_management_agency"]),
    *each("FlinkJarJob", "execution_agency_urn", "the service's own", ["dli_data_clean_agency"]),
    *each("FlinkJarJob", "runtime_config", "needs keys", [{"": "1"}, {"a b": "1"}, {"a=b": "1"}, {"a\n": "1"}]),
    *each("FlinkJarJob", "runtime_config", "line breaks", [{"a": "1\nb=2"}, {"a": "1\x00"}, {"a": "\u202e1"}]),
    *each("FlinkJarJob", "runtime_config", "key=value", ["no equals"]),
    *each(
        "FlinkJarJob", "runtime_config", "from 1 to 10", [{"flink.dli.job.priority": n} for n in ("0", "11", "high")]
    ),
    *each("FlinkJarJob", "cu_number", "10000", [10001, 2**40]),
    *each("FlinkJarJob", "cu_number", "", [0, 1, -2, 2.5]),
    *each("FlinkJarJob", "manager_cu_number", "", [0, -1, 1.5]),
    *each("FlinkJarJob", "manager_cu_number", "raise cu_number", [2, 3], cu_number=2),
    *each("FlinkJarJob", "parallel_number", "", [0, -1, 2001, 1.5]),
    *each("FlinkJarJob", "parallel_number", "more than 4 for each", [5], cu_number=2),
    *each("FlinkJarJob", "tm_cus", "", [0, 10001]),
    *each("FlinkJarJob", "tm_cus", "does not fit", [4], cu_number=3),
    *each("FlinkJarJob", "tm_slot_num", "", [0, 10001]),
    *each("FlinkJarJob", "resource_config_version", "one of v1, v2", ["", "v3", "v2\n"]),
    *each("FlinkJarJob", "resource_config_version", "instead of cu_number", ["v2"], cu_number=4),
    *each("FlinkJarJob", "resource_config_version", "instead of tm_cus, tm_slot_num", ["v2"], tm_cus=1, tm_slot_num=1),
    *each("FlinkJarJob", "resource_config_version", "v2 is for Flink 1.15", ["v2"], flink_version="1.12"),
    *each("FlinkJarJob", "resource_config_version", "v1, the default", ["v1"], flink_version="1.17"),
    *each(
        "FlinkJarJob",
        "resource_config",
        "",
        [machine(cpu=cpu) for cpu in (0, 0.4, -1, float("inf"), float("nan"), 1e300, 10001)],
        **V2,
    ),
    *each(
        "FlinkJarJob",
        "resource_config",
        "",
        [
            machine(memory=text)
            for text in ("", "1G", "0", "2047MB", "4T", "-4G", "4G\n", "four", "inf", "1e9G", "4 G G")
        ],
        **V2,
    ),
    *each("FlinkJarJob", "resource_config", "", [{"max_slot": 0}, {"max_slot": 10001}, {"parallel_number": 0}], **V2),
    *each("FlinkJarJob", "resource_config", "", [{"no_such": 1}], **V2),
    *each("FlinkJarJob", "checkpoint_enabled", "needs obs_bucket", [True], obs_bucket=None),
    *each("FlinkJarJob", "log_enabled", "needs obs_bucket", [True], obs_bucket=None),
    *each("FlinkJarJob", "checkpoint_mode", "", [0, 3, "at_most_once", "Exactly_Once"]),
    *each("FlinkJarJob", "checkpoint_interval", "", [0, -1, 1_000_000, 1.5]),
    *each("FlinkJarJob", "checkpoint_path", "cannot be chosen", ["obs://state/c/"], **SAVED),
    *each("FlinkJarJob", "checkpoint_path", "", ["obs://state", "obs://State/c", "c", "", *BAD_FOLDERS[:3]]),
    *each("FlinkJarJob", "checkpoint_path", "", [f"obs://state/{folder}" for folder in BAD_FOLDERS]),
    *each("FlinkJarJob", "obs_bucket", "name of a bucket", BAD_BUCKETS),
    *each("FlinkJarJob", "smn_topic", "SMN topic", ["", "urn:smn:eu-de:1:t", "a b", "t\n", "t\x00", "x" * 256, "-t"]),
    *each("FlinkJarJob", "resume_max_num", "-1 (no limit)", [0, -2]),
    *each("FlinkJarJob", "resume_max_num", "at most", [2**31, 2**50]),
    *each("FlinkJarJob", "initial_savepoint_path", "", ["", "obs://state", "obs://State/s/", "s3://state/s/", "s"]),
    *each("FlinkJarJob", "initial_savepoint_path", "", [f"obs://state/{folder}" for folder in BAD_FOLDERS]),
    *each("FlinkJarJob", "state", "one of", ["", "stopped", "running\n"]),
    *each("FlinkJarJob", "state", "running, suspended, draft", ["failed", "finished", "arrears"]),
    *each("FlinkJarJob", "upgrade_mode", "one of savepoint", ["", "savepoints", "Stateless", "savepoint\n"]),
    *each("FlinkJarJob", "repair", "one of failed", ["", "yes", "all\n"]),
    *each("FlinkJarJob", "stabilization_seconds", "", [-1, 3601, 0.5]),
    *each("FlinkJarJob", "restart_nonce", "", ["x" * 257, "a\x00"]),
    *each("FlinkJarJob", "savepoint_nonce", "", ["x" * 257, "a\x00"]),
    *each("FlinkJarJob", "source_hash", "", ["x" * 257, "a\x00"]),
    *each("FlinkJarJob", "tags", "provider's own", [{"pulumi_dli_owner": "me"}]),
]

OLD_SQL = {"flink_version": "1.12"}
SQL_JOBS = [
    *each("FlinkSqlJob", "name", "1 to 57 letters", ["", "a b", "j\n", "x" * 58]),
    *each("FlinkSqlJob", "sql_body", "is required to run", [None, ""]),
    *each("FlinkSqlJob", "sql_body", "control characters", CONTROL),
    *each("FlinkSqlJob", "sql_body", "at most 1048576", ["x" * (1024 * 1024 + 1)]),
    *each("FlinkSqlJob", "sql_file", "control characters", ["a\x00b", "jobs\n.sql"]),
    *each("FlinkSqlJob", "sql_file", "not a regular file", ["/", "/dev/null"]),
    *each("FlinkSqlJob", "template_id", "whole number", [0, -1, 1.5, "one"], sql_body=None),
    *each("FlinkSqlJob", "template_id", "give one of the two", [7]),
    *each("FlinkSqlJob", "job_type", "must be one of", ["", "flink_jar_job", "flink_sql_edge_job", "flink_sql_job\n"]),
    *each("FlinkSqlJob", "run_mode", "must be one of", ["", "edge_node", "shared"]),
    *each("FlinkSqlJob", "run_mode", "for flink_sql_job only", ["shared_cluster"]),
    *each("FlinkSqlJob", "run_mode", "binds no queue", ["shared_cluster"], job_type="flink_sql_job"),
    *each("FlinkSqlJob", "queue_name", "is required to run", [None]),
    *each("FlinkSqlJob", "queue_name", "shared and for SQL", ["default"]),
    *each("FlinkSqlJob", "udf_jar_url", "", BAD_OBJECTS + BAD_REFERENCES + ["a/b/c.jar", "http://jars/a.jar"]),
    *each("FlinkSqlJob", "idle_state_retention", "whole number", [0, -1, 1.5, 2**31]),
    *each("FlinkSqlJob", "dirty_data_strategy", "must be 0", ["", "2", "2:", "3", "2:B/x", "2:bucket/a b", "0\n"]),
    *each("FlinkSqlJob", "operator_config", "map or a JSON text", [1, True], **OLD_SQL),
    *each("FlinkSqlJob", "operator_config", "is no JSON", ["{", "x", "{]"], **OLD_SQL),
    *each("FlinkSqlJob", "static_estimator_config", "is no JSON", ["{"], **OLD_SQL),
    *each("FlinkSqlJob", "allow_sql_change", "True or False", ["yes", 1]),
    *each("FlinkSqlJob", "checkpoint_enabled", "needs obs_bucket", [True], obs_bucket=None),
    *each("FlinkSqlJob", "upgrade_mode", "one of savepoint", ["", "savepoints"]),
    *each("FlinkSqlJob", "entrypoint", "no such input", ["obs://jars/a.jar"]),
    *each("FlinkSqlJob", "sql_boby", "did you mean sql_body", ["insert"]),
]

ROWS = [*QUEUES, *POOLS, *CONNECTIONS, *GROUPS, *UPLOADS, *JOBS, *SQL_JOBS]
