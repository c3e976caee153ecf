"""Makes drafts of jobs and deletes them, to learn what no document settles; keeps the raw answers.

Drafts never run and cost nothing. Their names begin with a random prefix of this probe, and nothing else is deleted:
by the id that a create answered, and by that prefix in the list, where an answer was lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli import __version__
from pulumi_dli.doctor.case import Case
from pulumi_dli.doctor.checks import Level, Line
from pulumi_dli.doctor.drafts import DRAFTS, FIRST, Draft, Place, quirks_of
from pulumi_dli.doctor.recorder import Raw, Recorder

CHECK = "probe"
_JOBS = ("v1.0", "streaming", "jobs")
_DELETE_HELP = "delete it at the console; it costs nothing"
_MISSING = (
    ("What does a missing queue answer?", ("v1.0", "queues", "pulumi_dli_probe_none")),
    ("What does a missing job answer?", (*_JOBS, "999999999")),
    ("What does a missing package answer?", ("v2.0", "resources", "pulumi_dli_probe_none.jar")),
)
_QUEUE_CODES = ("DLI.0002", "DLI.0008", "DLI.0023")


def place_of(case: Case) -> Place:
    """What the drafts may name in this project."""
    general = [queue for queue in case.queues if queue.queue_type in (None, "general")]
    named = [queue for queue in general if queue.queue_name.lower() == case.queue.lower()] or general
    pooled = next((queue.queue_name for queue in named if queue.elastic_resource_pool_name), "")
    free = next((queue.queue_name for queue in general if not queue.elastic_resource_pool_name), "")
    return Place(pooled, free, case.agency, case.bucket)


def announcement(place: Place, project_id: str, prefix: str) -> str:
    """What a probe will do, for the person to agree to."""
    asked = [draft for draft in DRAFTS if draft.body(place) is not None]
    questions = "\n".join(f"  - {draft.asks}" for draft in asked)
    return (
        f"The probe makes up to {len(asked) + 1} drafts of Flink jobs in project {project_id} and deletes them again. "
        f"They never run, cost nothing, and are named {prefix}-….\nIt asks:\n{questions}\n"
        "  - What do a change, a second job of the same name, a savepoint of a draft, a missing object answer?"
    )


@dataclass
class Probe:
    """One probe: `run` gives the lines, then `document` is what a report needs."""

    recorder: Recorder
    place: Place
    prefix: str = field(default_factory=lambda: f"pulumi-dli-probe-{secrets.token_hex(4)}")
    _kept: list[dict[str, Any]] = field(default_factory=list)
    _made: dict[str, str] = field(default_factory=dict)  # name by id
    _accepted: dict[str, bool] = field(default_factory=dict)
    _quirks: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Iterator[Line]:
        """Ask all questions. However it ends, the drafts are deleted."""
        try:
            for draft in DRAFTS:
                yield self._drafted(draft)
            yield from self._followed(next((job_id for job_id in self._made), ""))
            yield from self._missing()
        finally:
            left = self._cleaned()
        yield from left

    def document(self, *, facts: Mapping[str, Any], quirks: Mapping[str, Any]) -> dict[str, Any]:
        """All that was asked and answered; `quirks` (some are known already) make the local DLI answer alike."""
        learned = {**quirks, **quirks_of(self._accepted), **self._quirks}
        return {"pulumi_dli": __version__, **facts, "quirks": learned, "questions": self._kept}

    def _drafted(self, draft: Draft) -> Line:
        body = draft.body(self.place)
        if body is None:
            return Line(Level.UNKNOWN, f"{draft.asks} Not asked", "it needs a queue, --agency or --bucket", CHECK)
        raw = self._created(draft.asks, f"{self.prefix}-{draft.key}", body, sql=draft.sql)
        if not raw.status:
            return Line(Level.UNKNOWN, f"{draft.asks} {raw.in_words()}", "run it again", CHECK)
        self._accepted[draft.key] = raw.accepted
        if draft.refused_fails and not raw.accepted:
            return Line(Level.FAILS, f"{draft.asks} {raw.in_words()}", "correct what the refusal names", CHECK)
        return _learned(draft.asks, raw)

    def _created(self, asks: str, name: str, body: Mapping[str, Any], *, sql: bool) -> Raw:
        raw = self._asked(
            asks, "POST", "v1.0", "streaming", "sql-jobs" if sql else "flink-jobs", body={"name": name, **body}
        )
        job = raw.answer.get("job") if isinstance(raw.answer, Mapping) else None
        if raw.accepted and isinstance(job, Mapping) and job.get("job_id") is not None:
            self._made[str(job["job_id"])] = name
        return raw

    def _followed(self, job_id: str) -> Iterator[Line]:
        """What the first draft shows: is its version read back, does an empty text clear, and the like."""
        name = f"{self.prefix}-{FIRST}"
        if self._made.get(job_id) != name:
            return
        path = (*_JOBS, job_id)
        raw = self._asked("Does a draft show its version?", "GET", *path)
        yield Line(Level.OK, f"Does a draft show its version? {_yes(_found(raw.answer, 'flink_version'))}", check=CHECK)
        change = ("PUT", "v1.0", "streaming", "flink-jobs", job_id)
        self._asked("Is a description taken?", *change, body={"desc": "probe"})
        self._asked("Does an empty text clear it?", *change, body={"desc": ""})
        raw = self._asked("Does an empty text clear it?", "GET", *path)
        cleared = raw.accepted and not _found(raw.answer, "desc")
        yield Line(Level.OK, f"Does an empty text clear a description? {_yes(cleared)}", check=CHECK)
        asks = "Is a second job of the same name taken?"
        yield _learned(asks, self._created(asks, name, DRAFTS[0].body(self.place) or {}, sql=False))
        asks, trigger = "Is the savepoint call published?", {"action": "TRIGGER", "savepoint_path": "probe/none/"}
        raw = self._asked(asks, "POST", *path, "savepoint", body=trigger)
        unpublished = raw.status == 404 and raw.code.startswith("APIG")
        if raw.status:
            self._quirks["savepoint_api_unpublished"] = unpublished
            yield Line(Level.OK, f"{asks} {_yes(not unpublished)}", check=CHECK)

    def _missing(self) -> Iterator[Line]:
        for asks, path in _MISSING:
            raw = self._asked(asks, "GET", *path)
            if path[1] == "queues" and raw.code in _QUEUE_CODES:
                self._quirks["queue_not_found"] = raw.code
            yield _learned(asks, raw)

    def _cleaned(self) -> list[Line]:
        """Delete all drafts, those without a known id too; a line for each that is left."""
        listed = self.recorder.jobs_named(self.prefix)
        rows = _found(listed.answer, "jobs") or []
        mine = {str(row.get("job_id")): str(row.get("name")) for row in rows if isinstance(row, Mapping)}
        ids = {**self._made, **{key: name for key, name in mine.items() if name.startswith(f"{self.prefix}-")}}
        lines = []
        for job_id, name in ids.items():
            raw = self.recorder.call("DELETE", *_JOBS, job_id)
            if not raw.accepted:
                text = f"the draft {name} (id {job_id}) is still there: {raw.in_words()}"
                lines.append(Line(Level.FAILS, text, _DELETE_HELP, CHECK))
        if not listed.accepted:
            text = f"whether a draft is left is not known: {listed.in_words()}"
            lines.append(Line(Level.WARNING, text, f"look for {self.prefix} at the console", CHECK))
        return lines or [Line(Level.OK, f"{len(ids)} drafts were made and deleted", check=CHECK)]

    def _asked(
        self, asks: str, method: str, version: str, *segments: str, body: Mapping[str, Any] | None = None
    ) -> Raw:
        raw = self.recorder.call(method, version, *segments, body=body)
        self._kept.append({"asks": asks, **self.recorder.written(raw)})
        return raw


def _learned(asks: str, raw: Raw) -> Line:
    return Line(Level.OK if raw.status else Level.UNKNOWN, f"{asks} {raw.in_words()}", check=CHECK)


def _yes(answer: object) -> str:
    return "yes" if answer else "no"


def _found(value: Any, key: str) -> Any:
    """The first value of this key anywhere in an answer."""
    if isinstance(value, Mapping):
        if value.get(key) is not None:
            return value[key]
        return next((found for item in value.values() if (found := _found(item, key)) is not None), None)
    return None
