"""Judges a run by the local DLI's own store, timeline and journal; it asks neither the client nor its code.

`World` remembers what somebody else had there before, and which events people have caused. `problems` gives each
violation as its kind and a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.deployment import State, Told
from tests.chaos.programs import GROUP, JOB, QUEUE, SECRET, UPLOAD, Declared, Program, inputs_of

KEY = "secret-key-of-tests"
SHARED_GROUPS = ("p2", "p3", "p4")
"""Names that programs use, too: a group may hold packages of several people."""
THEIRS = "theirs"
PROVIDERS_BUCKET = "code"

Problem = tuple[str, str]


@dataclass
class Epoch:
    """One deployment: what was declared, and which events fell into it.

    Attributes:
        owned: jobs by id, with the label of the resource that held them before or after.
        removed: packages that a person has deleted.
        missing: what running jobs named and was not there at its end.
    """

    since: int
    program: Program
    until: int = 0
    told: Told = field(default_factory=Told)
    owned: dict[int, str] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)

    def modes_of(self, label: str) -> str:
        one = self.program.get(label)
        return str(one.inputs.get("upgrade_mode") or "savepoint") if one else ""


@dataclass
class World:
    """The local DLI, and what does not belong to the stack."""

    dli: Emulator
    project_id: str
    foreign_job: int = 0
    before: str = ""
    texts: list[str] = field(default_factory=list)
    by_people: set[int] = field(default_factory=set)
    _events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def prepared(cls, dli: Emulator, project_id: str) -> World:
        """With the things of others, which nobody may touch."""
        world = cls(dli, project_id)
        for jar in ("a", "b", "c", THEIRS):
            dli.put_object("jars", f"{jar}.jar", jar.encode())
        dli.put_object("state", "README", b"savepoints go here")
        dli.put_object(PROVIDERS_BUCKET, f"packages/{THEIRS}.jar", b"-")
        world._call("POST", "/v1.0/{p}/queues", queue_name="shared", queue_type="general", cu_count=64, resource_mode=1)
        for group in SHARED_GROUPS:
            world._call("POST", "/v2.0/{p}/resources", group=group, kind="jar", paths=[f"obs://jars/{THEIRS}.jar"])
        body = {"name": THEIRS, "queue_name": "shared", "entrypoint": "obs://jars/theirs.jar", "main_class": "M"}
        job = world._call("POST", "/v1.0/{p}/streaming/flink-jobs", **body)["job"]["job_id"]
        world._call("POST", "/v1.0/{p}/streaming/jobs/run", job_ids=[job], resume_savepoint=False)
        dli.advance(1000)
        world.foreign_job = int(job)
        world.before = world.foreign()
        return world

    def _call(self, method: str, path: str, **body: Any) -> Any:
        url = self.dli.url + path.replace("{p}", self.project_id)
        answer = requests.request(method, url, json=body, headers={"X-Auth-Token": "somebody"}, timeout=30)
        answer.raise_for_status()
        return answer.json()

    # the store

    def jobs(self) -> list[dict[str, Any]]:
        return [job for job in self.dli.jobs() if job["project_id"] == self.project_id]

    def own_jobs(self) -> list[int]:
        return [int(job["job_id"]) for job in self.jobs() if job["job_id"] != self.foreign_job]

    def own_queues(self) -> list[str]:
        names = [queue.name for queue in self.dli.service.queues.of(self.project_id)]
        return [name for name in names if name not in ("default", "shared")]

    def own_packages(self) -> list[tuple[str, str]]:
        found = [(one.group, one.name) for one in self.dli.service.packages.of(self.project_id)]
        return [(group, name) for group, name in found if name != f"{THEIRS}.jar"]

    def objects(self) -> list[str]:
        keys = [row.key for row in self.dli.service.objects.listed(PROVIDERS_BUCKET)]
        return [f"obs://{PROVIDERS_BUCKET}/{key}" for key in keys if THEIRS not in key]

    def left_states(self) -> dict[str, dict[str, str]]:
        """The notes of deletes about the states that they left, by name of the job."""
        rows = self.dli.service.objects.listed("state", "pulumi-dli/left-states/")
        return {Path(row.key).stem: json.loads(self.dli.service.objects.read(row)) for row in rows}

    def not_foreign(self) -> list[str]:
        return [*map(str, self.own_jobs()), *self.own_queues(), *map("/".join, self.own_packages()), *self.objects()]

    def foreign(self) -> str:
        """All that is somebody else's, in a form that can be compared."""
        fields = ("definition", "status", "restored_from", "savepoint_path", "started")
        jobs = [[job[key] for key in fields] for job in self.jobs() if job["job_id"] == self.foreign_job]
        queues = [asdict(one) for one in self.dli.service.queues.of(self.project_id) if one.name == "shared"]
        cus = [(queue["name"], queue["cu_count"]) for queue in queues]
        packages = [asdict(one) for one in self.dli.service.packages.of(self.project_id) if THEIRS in one.name]
        objects = [row.key for row in self.dli.service.objects.listed(PROVIDERS_BUCKET) if THEIRS in row.key]
        return json.dumps([jobs, cus, packages, objects], sort_keys=True, default=str)

    def has_package(self, path: str) -> bool:
        if path.startswith("obs://"):
            bucket, _, key = path.removeprefix("obs://").partition("/")
            return any(row.key == key for row in self.dli.service.objects.listed(bucket, key))
        group, _, name = path.partition("/")
        return any((one.group, one.name) == (group, name) for one in self.dli.service.packages.of(self.project_id))

    def missing_packages(self) -> list[str]:
        running = [job for job in self.jobs() if job["status"] == "job_running"]
        paths = [(job["name"], str(job["definition"]["entrypoint"])) for job in running]
        return [f"{path} of {name}" for name, path in paths if not self.has_package(path)]

    # what happened

    def events(self) -> list[dict[str, Any]]:
        since = self._events[-1]["seq"] if self._events else 0
        self._events += self.dli.timeline(since=since)
        return self._events

    def last_event(self) -> int:
        events = self.events()
        return int(events[-1]["seq"]) if events else 0

    def acted(self, before: int, after: int) -> None:
        """A person has caused the events in between."""
        self.by_people |= set(range(before + 1, after + 1))

    def of_job(self, job_id: int) -> list[dict[str, Any]]:
        return [event for event in self.events() if event["kind"] == "job" and event["subject"] == str(job_id)]

    def job_ids(self) -> list[int]:
        ids = {int(event["subject"]) for event in self.events() if event["kind"] == "job"}
        return sorted(ids - {self.foreign_job})

    def last_call(self) -> int:
        entries = self.dli.requests()
        return int(entries[-1]["seq"]) if entries else 0

    def writes_since(self, seq: int) -> list[str]:
        found = self.dli.requests(since=seq)
        return [one["operation"] for one in found if one["method"] not in ("GET", "HEAD") and not _is_look(one)]


def _is_look(call: dict[str, Any]) -> bool:
    return str(call["operation"]).endswith((".find", ".filter", ".query", ".list", ".count"))


def problems(
    world: World, epochs: list[Epoch], state: State, program: Program, folder: Path, *, calm: bool
) -> Iterator[Problem]:
    """Everything that must not be. `calm`: nobody but the program has changed anything."""
    unknown = left_by_kills(world, epochs, program)
    yield from ((kind, text) for kind, text in _whose(world, state) if text not in unknown)
    yield from _states(world, epochs)
    yield from _decisions(world, epochs)
    yield from _forbidden(world, epochs)
    yield from _secrets(world, state)
    yield from _notes(world)
    by_people: set[str] = set()
    for epoch in epochs:
        by_people |= epoch.removed
        for missing in epoch.missing:
            if missing.partition(" of ")[0] not in by_people:
                yield "deleted in use", missing
    if calm:
        yield from _as_declared(world, program, state, folder)


def _whose(world: World, state: State) -> Iterator[Problem]:
    if (now := world.foreign()) != world.before:
        yield "foreign", f"touched: {world.before} is now {now}"
    held = {kind: [entry for entry in state.all() if entry.kind == kind] for kind in (QUEUE, GROUP, UPLOAD, JOB)}
    packages = [
        (entry.id, name)
        for entry in held[GROUP]
        for name in [_name_of(one) for one in [*entry.outs["packages"], *(entry.outs.get("superseded") or ())]]
    ]
    paths = [
        one["path"]
        for entry in held[UPLOAD]
        for one in [entry.outs, *(entry.outs.get("superseded") or ())]
        if one.get("path")
    ]
    # What an earlier version needed may be gone already, when a deployment was killed before it could write that down.
    declared = {(entry.id, _name_of(one)) for entry in held[GROUP] for one in entry.outs["packages"]}
    declared |= {entry.outs.get("path") for entry in held[UPLOAD]}
    pairs: tuple[tuple[str, list[Any], list[Any]], ...] = (
        ("job", world.own_jobs(), [int(entry.id) for entry in held[JOB]]),
        ("queue", world.own_queues(), [entry.id for entry in held[QUEUE]]),
        ("package", world.own_packages(), packages),
        ("object", world.objects(), paths),
    )
    for what, there, known in pairs:
        for one in set(there) - set(known):
            yield "orphan", f"{what} {one} is in no state"
        for one in (set(known) & declared if what in ("package", "object") else set(known)) - set(there):
            yield "lost", f"{what} {one} is in the state and not there"
        if what in ("job", "queue"):
            for one in {item for item in known if known.count(item) > 1}:
                yield "twice", f"{what} {one} is held by two entries"


def left_by_kills(world: World, epochs: list[Epoch], program: Program) -> list[str]:
    """What a killed create made, and the program has given up since under that label: nobody can know of it. Pulumi
    itself says so, in its warning of a pending operation.
    """
    left = _objects_left_by_kills(world, epochs, program)
    names = {str(one.inputs["name"]) for one in program.values() if one.kind == JOB}
    made = {event["subject"]: _epoch_of(epochs, event["seq"]) for event in world.events() if event["type"] == "created"}
    for job in world.jobs():
        epoch = made.get(str(job["job_id"]))
        killed = (epoch is not None and epoch.told.killed) or job["name"] in _taken_by_kills(epochs)
        if killed and job["name"] not in names:
            left.append(f"job {job['job_id']} is in no state")
    return left


def _taken_by_kills(epochs: list[Epoch]) -> set[str]:
    """Names of jobs whose take-over was killed: they may carry the new owner's tag, and the old one forgets them."""
    return {
        str(one.inputs["name"])
        for epoch in epochs
        if epoch.told.killed
        for label, one in epoch.program.items()
        if one.kind == JOB and one.inputs.get("adopt") and label not in epoch.told.done
    }


def _objects_left_by_kills(world: World, epochs: list[Epoch], program: Program) -> list[str]:
    """The same of uploaded objects: the name of each begins with that of its package."""
    given_up = [
        str(one.inputs["name"]).removesuffix(".jar")
        for epoch in epochs
        if epoch.told.killed
        for label, one in epoch.program.items()
        if one.kind == UPLOAD and label not in epoch.told.done and label not in program
    ]
    return [
        f"object {path} is in no state"
        for path in world.objects()
        if any(path.rpartition("/")[2].startswith(f"{name}-") for name in given_up)
    ]


def _name_of(package: Any) -> str:
    if isinstance(package, str):
        return package.rpartition("/")[2]
    return str(package.get("name") or package["path"].rpartition("/")[2])


def _states(world: World, epochs: list[Epoch]) -> Iterator[Problem]:
    """No start without the job's state, or from an older one, when the mode demanded it."""
    for job_id in world.job_ids():
        up, finished = False, False
        resumed: dict[str, Epoch | None] = {}
        for event in world.of_job(job_id):
            facts = event["facts"]
            epoch = _epoch_of(epochs, event["seq"])
            if event["type"] == "status":
                up = up or facts["after"] == "job_running"
                finished = facts["after"] == "job_finish"
                if facts["after"] == "job_running":
                    resumed = dict.fromkeys(resumed, epoch)
            if event["type"] != "run" or event["seq"] in world.by_people or epoch is None:
                continue
            label = epoch.owned.get(job_id, "")
            mode = epoch.modes_of(label)
            path = facts.get("savepoint_path")
            if path is None and up and not finished and mode not in ("stateless", ""):
                yield "state lost", f"job {job_id} ({label}) was run without state under {mode}"
            if path in resumed and mode != "stateless":
                earlier = resumed[path]
                if earlier is not None and earlier is not epoch and label in earlier.told.done:
                    yield "state lost", f"job {job_id} ({label}) was run a second time from {path}"
            if path:
                resumed[str(path)] = None
    yield from _successors(world, epochs)


def _successors(world: World, epochs: list[Epoch]) -> Iterator[Problem]:
    """A job that is deleted and created goes on from the state of its predecessor, in one deployment or in several."""
    deleted: dict[str, tuple[int, Epoch]] = {}
    for epoch in epochs:
        events = [event for event in world.events() if epoch.since < event["seq"] <= epoch.until]
        for event in (event for event in events if event["kind"] == "job"):
            job_id = int(event["subject"])
            label = epoch.owned.get(job_id, "")
            by_people = event["seq"] in world.by_people
            ran = any(e["type"] == "status" and e["facts"]["after"] == "job_running" for e in world.of_job(job_id))
            if event["type"] == "deleted" and not by_people and ran:
                deleted[label] = job_id, epoch
            if event["type"] != "run" or by_people or label not in deleted:
                continue
            before, when = deleted.pop(label)
            same = epoch is when or (label in when.program and _name(when, label) == _name(epoch, label))
            bare = same and not event["facts"].get("savepoint_path") and before != job_id
            if bare and not {epoch.modes_of(label), when.modes_of(label)} & {"stateless", ""}:
                yield "state lost", f"job {job_id} ({label}) does not go on from job {before}"


def _name(epoch: Epoch, label: str) -> str:
    one = epoch.program.get(label)
    return str(one.inputs.get("name")) if one else ""


def _epoch_of(epochs: list[Epoch], seq: int) -> Epoch | None:
    return next((epoch for epoch in epochs if epoch.since < seq <= epoch.until), None)


def _decisions(world: World, epochs: list[Epoch]) -> Iterator[Problem]:
    """One `up` asks for a savepoint and a stop once, and for a start once, unless it has to go back."""
    for epoch in epochs:
        if epoch.acts:
            continue
        for job_id in world.job_ids():
            mine = [event for event in world.of_job(job_id) if epoch.since < event["seq"] <= epoch.until]
            stops = [event for event in mine if event["type"] == "stop" and event["facts"]["with_savepoint"]]
            failed = any(
                event["type"] == "status" and event["facts"]["after"] not in _ON_THE_WAY for event in mine
            ) or any(event["facts"].get("description") for event in mine if event["type"] == "status")
            runs = [event for event in mine if event["type"] == "run"]
            if len(stops) > 1 and not failed:
                yield "twice", f"job {job_id} was stopped with a savepoint {len(stops)} times in one up"
            if len(runs) > 1 and not failed and epoch.told.ok:
                yield "twice", f"job {job_id} was run {len(runs)} times in one up"


_ON_THE_WAY = ("job_submitting", "job_running", "job_savepointing", "job_canceling", "job_cancel_success", "job_init")


def _forbidden(world: World, epochs: list[Epoch]) -> Iterator[Problem]:
    if any(epoch.acts for epoch in epochs):
        return
    for call in world.dli.requests(operation="jobs.update"):
        if call["status"] == 400 and not call["fault"]:
            yield "forbidden PUT", f"{call['path']}: {call['body']}"


def _notes(world: World) -> Iterator[Problem]:
    """What a delete noted of the state that it left is gone when a job of that name is up; else a later job of the name
    would start from it. A note without a path, of a delete that came to no savepoint, says nothing.
    """
    running = {str(job["name"]) for job in world.jobs() if job["status"] == "job_running"}
    for name, note in world.left_states().items():
        if note["path"] and name in running:
            yield "note left", f"a job {name} runs, and {note['path']} of job {note['job_id']} is still noted for it"


def _secrets(world: World, state: State) -> Iterator[Problem]:
    for text in [*world.texts, state.text, json.dumps(world.dli.requests())]:
        if KEY in text:
            yield "secret", f"the key stands in {text[:200]}"
    told = [text for text in world.texts if not text.startswith("[")]
    for text in [*told, json.dumps(world.dli.requests())]:
        if SECRET in text:
            yield "secret", f"an argument stands in {text[:200]}"


def _as_declared(world: World, program: Program, state: State, folder: Path) -> Iterator[Problem]:
    labels = {int(entry.id): entry.urn.rpartition("::")[2] for entry in state.all() if entry.kind == JOB}
    for job in world.jobs():
        one: Declared | None = program.get(labels.get(job["job_id"], ""))
        if one is None:
            continue
        wanted = inputs_of(one, program, folder)
        for key in ("entrypoint", "parallel_number", "queue_name"):
            if key in wanted and wanted[key] != job["definition"].get(key):
                yield (
                    "not as declared",
                    f"job {job['job_id']}: {key} is {job['definition'].get(key)}, not {wanted[key]}",
                )
        at_rest = {"suspended": ("job_cancel_success", "job_init"), "running": ("job_running",)}
        if job["status"] not in at_rest[str(wanted.get("state") or "running")]:
            said = ("stopped outside of Pulumi", "stays", "STREAM IS DOWN")
            stopped = any(words in text for text in world.texts for words in said)
            if not (stopped and job["status"] in ("job_cancel_success", "job_submit_fail")):
                yield "not as declared", f"job {job['job_id']} is {job['status']}"
