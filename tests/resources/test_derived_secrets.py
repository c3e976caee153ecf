"""What repeats a secret input under another name is secret too: after create, update, refresh, and half-way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.rpc import deserialize_properties

from pulumi_dli import provider as providers
from pulumi_dli.specs.catalogue import catalogue
from pulumi_dli.specs.package_names import digest_of
from tests.dynamic_host import DynamicHost, HostError, Secret
from tests.stacks import Stack, Stream, plain

NAMES = "__secret_inputs"
CANARY = "canary7Qx"
SHORT = "p7"  # too short to be known by its letters: the declaration alone says where it stands


@dataclass(frozen=True)
class Case:
    """A resource whose `secret` inputs are secret, and the outputs that must be, as `output` or `output.key`."""

    resource: str
    secret: tuple[str, ...]
    outputs: tuple[str, ...]
    given: dict[str, Any] = field(default_factory=dict)


def _keeps_names() -> bool:
    """Whether this SDK hands inputs with two underscores on to the provider."""
    given = Struct()
    given["__secret_inputs"] = "x"
    return "__secret_inputs" in deserialize_properties(given)


pytestmark = pytest.mark.skipif(
    not _keeps_names(), reason="this SDK tells the provider of no secret inputs (README, Limits)"
)


GOOD: dict[str, dict[str, Any]] = {
    "Queue": {"queue_name": "q", "cu_count": 16, "description": CANARY, "labels": [f"{CANARY}=1"]},
    "ElasticResourcePool": {
        "elastic_resource_pool_name": "p", "min_cu": 64, "max_cu": 64, "cidr_in_vpc": "10.16.0.0/19",
        "description": CANARY,
    },
    "PackageGroup": {"group_name": "g", "packages": [{"path": f"obs://jars/{CANARY}.jar"}], "tags": {"k": CANARY}},
    "UploadedPackage": {"source": __file__, "bucket": "jars", "digest": digest_of(__file__), "prefix": CANARY},
    "FlinkJarJob": {
        "name": "j", "queue_name": "q1", "entrypoint": "obs://jars/a.jar", "obs_bucket": "state",
        "entrypoint_args": f"--password {CANARY}", "runtime_config": {"db.password": CANARY}, "desc": CANARY,
        "tags": {"k": CANARY}, "smn_topic": CANARY,
    },
    "FlinkSqlJob": {
        "name": "s", "queue_name": "q1", "sql_body": f"insert into a select '{CANARY}' from b", "obs_bucket": "state",
        "runtime_config": {"db.password": CANARY}, "desc": CANARY, "tags": {"k": CANARY}, "smn_topic": CANARY,
    },
    "DatasourceConnection": {
        "name": "c", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1", "elastic_resource_pools": [CANARY.lower()],
        "hosts": [{"name": CANARY, "ip": "10.0.0.1"}], "tags": {"k": CANARY},
    },
}  # fmt: skip
NOTES = {"declared_state", "group_owner"}
"""Outputs that the provider keeps for itself: no program sees them."""
CASES = [
    Case("Queue", ("description",), ("settings.description",)),
    Case("Queue", ("labels",), ("settings.labels",)),
    Case("Queue", ("cu_count",), ("cu_spec",)),
    Case("ElasticResourcePool", ("cidr_in_vpc",), ("settings.cidr_in_vpc",)),
    Case("PackageGroup", ("packages",), ("package_status", "uploaded", "superseded", "unmanaged_packages")),
    Case("UploadedPackage", ("prefix",), ("path", "superseded")),
    Case("DatasourceConnection", ("elastic_resource_pools",), ("peerings",), {"elastic_resource_pools": [SHORT]}),
    Case("FlinkJarJob", ("runtime_config",), ("status_desc",)),
    Case("FlinkJarJob", ("desc",), ("status_desc",)),
    Case("FlinkJarJob", ("obs_bucket",), ("status_desc", "savepoints")),
]


def urn(resource: str) -> str:
    return f"urn:pulumi:dev::proj::pulumi-python:dynamic/dli:{resource}::it"


def at(outs: dict[str, Any], place: str) -> Any:
    key, _, inner = place.partition(".")
    return outs[key][inner] if inner else outs[key]


def in_clear(outs: dict[str, Any]) -> str:
    """What a state shows of outputs: the engine itself hides those with the name of a secret input."""
    hidden = {path[0] for path in outs[NAMES]}
    shown = {key: value for key, value in outs.items() if key not in hidden}
    return json.dumps(shown, default=lambda _: "[secret]").lower()  # the service stores names in lower case


@pytest.fixture
def dli(hosted: Stack) -> Stack:
    for key in ("a.jar", f"{CANARY}.jar"):
        hosted.emulator.put_object("jars", key, b"jar")
    hosted.emulator.put_object("state", "README", b"")
    hosted.queue()
    for name in (CANARY, SHORT):
        pool = {"elastic_resource_pool_name": name, "min_cu": 64, "max_cu": 64}
        hosted.call("POST", "/v3/{p}/elastic-resource-pools", pool)
    hosted.emulator.advance(900)
    return hosted


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.resource}.{case.secret[0]}")
def test_an_output_made_of_a_secret_input_is_secret(dli: Stack, case: Case) -> None:
    provider, inputs = getattr(providers, f"{case.resource}Provider"), GOOD[case.resource]
    harmless = {name: value for name, value in inputs.items() if CANARY.lower() not in json.dumps(value).lower()}
    inputs = {**harmless, **{name: inputs[name] for name in case.secret}, **case.given}
    given = {**inputs, NAMES: [[name] for name in case.secret]}
    with DynamicHost(config=dli.config) as host:
        checked = host.check(provider, urn(case.resource), given)
        made = host.create(provider, urn(case.resource), {**checked.inputs, NAMES: given[NAMES]})
        olds = plain(made.outs)
        found = host.read(provider, urn(case.resource), made.id, olds, inputs=checked.inputs)
        again = host.update(provider, urn(case.resource), made.id, olds, given)
        host.delete(provider, urn(case.resource), made.id, olds)
    assert {place for place in case.outputs if place.split(".")[0] not in {**made.outs, **found.outs, **again}} == set()
    for outs in (made.outs, found.outs, again):
        shown = {place for place in case.outputs if place.split(".")[0] in outs}
        assert {place for place in shown if not isinstance(at(outs, place), Secret)} == set()
        assert not isinstance(outs["project_id"], Secret)
        assert CANARY.lower() not in in_clear(outs)


@pytest.mark.parametrize("resource", GOOD)
def test_with_every_input_secret_no_output_shows_any(dli: Stack, resource: str) -> None:
    provider, inputs = getattr(providers, f"{resource}Provider"), GOOD[resource]
    given = {**inputs, NAMES: [[name] for name in inputs]}
    with DynamicHost(config=dli.config) as host:
        made = host.create(provider, urn(resource), given)
        found = host.read(provider, urn(resource), made.id, plain(made.outs))
        host.delete(provider, urn(resource), made.id, plain(made.outs))
    assert CANARY.lower() not in in_clear(made.outs)
    assert CANARY.lower() not in in_clear(found.outs)


def test_where_nothing_is_secret_no_output_is(dli: Stack) -> None:
    with DynamicHost(config=dli.config) as host:
        made = host.create(providers.QueueProvider, urn("Queue"), {**GOOD["Queue"], NAMES: []})
    assert made.outs["settings"]["description"] == CANARY


def test_what_waits_for_a_restart_stays_secret_after_the_program_has_dropped_it(dli: Stack) -> None:
    dli.call("DELETE", "/v1.0/{p}/queues/q1")
    stream = Stream(dli)
    stream.up(desc=CANARY, **{NAMES: [["desc"]]})
    with DynamicHost(config=dli.config) as host:
        news = {name: value for name, value in stream.inputs.items() if name != "desc"} | {NAMES: []}
        outs = host.update(providers.FlinkJarJobProvider, stream.entry.urn, stream.entry.id, stream.outs, news)
        assert outs["deferred"] == {"desc": Secret(CANARY)}
        found = host.read(providers.FlinkJarJobProvider, stream.entry.urn, stream.entry.id, plain(outs))
    assert found.outs["deferred"] == {"desc": Secret(CANARY)}


def test_what_is_half_made_keeps_its_secrets(dli: Stack) -> None:
    given = {**GOOD["FlinkJarJob"], NAMES: [["runtime_config", "db.password"]]}
    dli.emulator.fault("jobs.run", 400, code="DLI.0001", message=f"cannot run with {CANARY}", times=0)
    with DynamicHost(config=dli.config) as host, pytest.raises(HostError) as failed:
        host.create(providers.FlinkJarJobProvider, urn("FlinkJarJob"), given)
    dli.emulator.clear_faults()
    kept = failed.value.half_done
    assert kept is not None
    assert isinstance(kept.outs["pending_reason"], Secret)
    assert CANARY.lower() not in in_clear(kept.outs)
    assert CANARY not in failed.value.message


def test_an_input_that_becomes_secret_takes_its_copies_along(dli: Stack) -> None:
    queue = {"queue_name": "later", "cu_count": 16, "description": CANARY}
    dli.up("Queue", "q", **queue, **{NAMES: []})
    assert dli.preview("Queue", "q", **queue, **{NAMES: []}).action == "same"
    shown = dli.preview("Queue", "q", **queue, **{NAMES: [["description"]]})
    assert (shown.action, [n for n in dli.notes if "secret now" in n] != []) == ("update", True)
    dli.up("Queue", "q", **queue, **{NAMES: [["description"]]})
    assert dli.preview("Queue", "q", **queue, **{NAMES: [["description"]]}).action == "same"


@pytest.mark.parametrize("resource", ["Queue", "ElasticResourcePool", "PackageGroup", "UploadedPackage"])
def test_a_secret_that_becomes_the_id_is_warned_of(dli: Stack, resource: str) -> None:
    name = catalogue()[resource].declaration.id_from[0]
    with DynamicHost(config=dli.config) as host:
        host.check(getattr(providers, f"{resource}Provider"), urn(resource), {**GOOD[resource], NAMES: [[name]]})
        assert [line for line in host.logged(urn(resource), "warning") if f"{name} is secret, but" in line]


@pytest.mark.parametrize("resource", GOOD)
def test_what_is_derived_is_derived_of_inputs(resource: str) -> None:
    spec = catalogue()[resource]
    sources = {name for names in spec.declaration.derived.values() for name in names} | {*spec.declaration.id_from}
    assert sources - {"*"} <= set(spec.model_fields)
    assert not set(spec.declaration.derived) & set(spec.model_fields)
    outputs = {computed.name for computed in spec.declaration.computed} | NOTES
    assert set(spec.declaration.derived) - outputs == set()  # a renamed output would lose its mark


def test_no_resource_is_left_out() -> None:
    assert set(GOOD) == set(catalogue())
