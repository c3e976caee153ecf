"""A provider whose objects are files, and whose calls are lines of a JSON-lines file.

What it does is said by the properties: `force` replaces when it changes, `dbr` deletes first, `answer` is what diff
returns as changes, `fail` names the calls that raise, `half` those that end half-made, `wait` a file to wait for.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import grpc
import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2

HOME = Path(os.environ.get("TOY_HOME", "."))
_LOCK = threading.Lock()
_CONFIG = {}


def _simple(value):
    if isinstance(value, Unknown):
        return "<unknown>"
    if isinstance(value, dict):
        return {key: _simple(item) for key, item in sorted(value.items()) if key != "__provider"}
    return [_simple(item) for item in value] if isinstance(value, list) else value


def _frame():
    frame = sys._getframe()
    while frame is not None:
        if "request" in frame.f_locals and hasattr(frame.f_locals.get("context"), "set_trailing_metadata"):
            return frame.f_locals
        frame = frame.f_back
    raise RuntimeError("no call found")


def _note(call, name, **what):
    with _LOCK, (HOME / "calls.jsonl").open("a") as file:
        line = {"call": call, "name": name, "pid": os.getpid(), **{key: _simple(value) for key, value in what.items()}}
        file.write(json.dumps(line) + "\n")


def _say(text, *, severity=engine_pb2.INFO, ephemeral=False):
    urn = _frame()["request"].urn
    stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[1]))
    stub.Log(engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral))


def _trouble(call, props, id_="", outs=None):
    if call in (props.get("half") or []):
        reasons = [f"{call} of {props['name']} is not healthy yet"]
        made = provider_pb2.ErrorResourceInitFailed(id=id_, reasons=reasons)
        made.properties.update({key: value for key, value in (outs or props).items() if value is not None})
        status = status_pb2.Status(code=2, message="half")
        status.details.add().Pack(made)
        _frame()["context"].set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        raise RuntimeError("half-made")
    if call in (props.get("fail") or []):
        text = f"{call} of {props['name']} failed\non two lines"
        status = status_pb2.Status(code=2, message=text)
        _frame()["context"].set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        raise RuntimeError("unclean")


def _pause(props):
    if props.get("wait"):
        _say(f"waiting for {Path(props['wait']).name}", ephemeral=True)
        while not Path(props["wait"]).exists():
            time.sleep(0.02)


class ToyProvider(ResourceProvider):
    serialize_as_secret_always = False

    def configure(self, req):
        _CONFIG["region"] = req.config.get("toy:region")

    def check(self, olds, news):
        _note("check", news["name"], olds=olds, news=news)
        failures = [CheckFailure("size", "must not be negative")] if _simple(news.get("size")) in (-1, -1.0) else []
        failures += [CheckFailure(name, "refused") for name in news.get("refuse") or []]
        return CheckResult(news, failures)

    def diff(self, id_, olds, news):
        request = _frame()["request"]
        _note("diff", olds["name"], id=id_, olds=olds, news=news, ignore=list(request.ignoreChanges))
        replaces = ["force"] if _simple(olds.get("force")) != _simple(news.get("force")) else []
        answers = {"none": None, "some": True, "same": False}
        changes = answers[news.get("answer", "none")]
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=bool(news.get("dbr")))

    def create(self, props):
        name = props["name"]
        _note("create", name, news=props, timeout=_frame()["request"].timeout)
        if props.get("say"):
            _say(props["say"])
            _say(f"careful with {name}", severity=engine_pb2.WARNING)
        if props.get("stdin"):
            assert not sys.stdin.read()
        if props.get("print"):
            print(f"{name} says: {props['print']}")
        _trouble("create-early", props)
        _pause(props)
        with _LOCK:
            (HOME / "objects").mkdir(exist_ok=True)
            id_ = f"{name}-{len(list((HOME / 'objects').glob(f'{name}-*.json*')))}"
            outs = {**props, "made": f"made-{name}", "region": _CONFIG.get("region")}
            (HOME / "objects" / f"{id_}.json").write_text(json.dumps(outs))
        _trouble("create", props, id_, outs)
        return CreateResult(id_, outs)

    def read(self, id_, props):
        _note("read", props.get("name", id_), id=id_, olds=props)
        _trouble("read", props, id_, props)
        path = HOME / "objects" / f"{id_}.json"
        if not path.exists():
            return ReadResult(None, {})
        outs = json.loads(path.read_text())
        inputs = {key: value for key, value in outs.items() if key not in ("made", "region", "__provider")}
        return ReadResult(id_, outs, inputs)

    def update(self, id_, olds, news):
        request = _frame()["request"]
        _note("update", news["name"], id=id_, olds=olds, news=news, timeout=request.timeout)
        outs = {**news, "made": f"made-{news['name']}", "region": _CONFIG.get("region")}
        _trouble("update-early", news)
        _pause(news)
        (HOME / "objects" / f"{id_}.json").write_text(json.dumps(outs))
        _trouble("update", news, id_, outs)
        return UpdateResult(outs)

    def delete(self, id_, props):
        _note("delete", props["name"], id=id_, olds=props, timeout=_frame()["request"].timeout)
        _trouble("delete", props)
        path = HOME / "objects" / f"{id_}.json"
        if path.exists():
            path.rename(path.with_suffix(".json.gone"))


class Toy(Resource, module="toy", name="Toy"):
    made: pulumi.Output[str]

    def __init__(self, name, props, opts=None):
        super().__init__(ToyProvider(), name, {"made": None, "region": None, **props, "name": name}, opts)


class Other(Resource, module="toy", name="Other"):
    made: pulumi.Output[str]

    def __init__(self, name, props, opts=None):
        super().__init__(ToyProvider(), name, {"made": None, "region": None, **props, "name": name}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("toy:index:Box", name, None, opts)


class Region(pulumi.ProviderResource):
    def __init__(self, name, config, opts=None):
        super().__init__("pulumi-python", name, config, opts)
