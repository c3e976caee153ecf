"""What happens in a run, drawn from a seed: edits of the program, and troubles at calls of its deployments. Plain data,
so that a schedule can be printed, repeated and made smaller.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.programs import GROUP, JOB, QUEUE, SECRET, UPLOAD, Change

EFFECTS = (408, 429, 500, 502, 503, 504, 403, "drop_before", "drop_after", "partial_batch")
OPERATIONS = (
    *("*",) * 4,
    *("jobs.*",) * 2,
    *("jobs.create", "jobs.run", "jobs.stop", "jobs.update", "jobs.get", "jobs.list", "jobs.delete_many"),
    *("jobs.import_savepoint", "queues.*", "queues.create", "packages.*", "tags.*", "tags.create"),
)
BEHAVIOURS = ("submit_fail", "running_exception", "cancel_fail", "savepoint_fail", "slow_submit", "upload_failed")
ACTS = (
    {"action": "job.fail"},
    {"action": "job.stop", "savepoint": True},
    {"action": "job.stop", "savepoint": False},
    {"action": "job.restart", "resume": True},
    {"action": "job.edit", "fields": {"desc": "a person was here"}},
    {"action": "job.edit", "fields": {"parallel_number": 3}},
    {"action": "job.delete"},
    {"action": "job.arrears"},
    {"action": "job.drop_savepoint"},
    {"action": "package.delete"},
)
QUIRKS: tuple[Mapping[str, Any], ...] = (
    *({},) * 5,
    {"v3_unpublished": True},
    {"tags_refused": True},
    {"tags_rejected": True},
    {"savepoint_consumed": "running"},
    {"savepoint_consumed": "kept"},
    {"savepoint_files": "deleted"},
    {"savepoint_api_unpublished": True},
    {"stop_answer": "short"},
    {"stop_answer": "object"},
    {"null_details": True},
    {"name_filter": "exact", "queue_casing": "lower", "sample_types": True},
    {"status_lower_case": True, "omit_total": True, "snake_details": True, "create_201": True},
    {"queue_not_found": "DLI.0023"},
    {"keep_empty_group": True},
)
MODES = ("savepoint", "savepoint", "last-state", "stateless")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one deployment: a `fault`, a `behaviour`, or at call `nth` a `kill`, a `cancel`, an `act`."""

    what: str
    nth: int = 1
    when: str = "after"
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deploy:
    """Edits of the program, and one `up` of it."""

    changes: tuple[Change, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    refresh: bool = False


@dataclass(frozen=True)
class Schedule:
    seed: int
    quirks: Mapping[str, Any]
    deploys: tuple[Deploy, ...]

    @property
    def troubles(self) -> list[Trouble]:
        return [trouble for deploy in self.deploys for trouble in deploy.troubles]

    def with_a(self, *whats: str) -> bool:
        return any(trouble.what in whats for trouble in self.troubles)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, quirks {dict(self.quirks)}"]
        for number, deploy in enumerate(self.deploys, 1):
            lines.append(f"up {number}{' --refresh' if deploy.refresh else ''}")
            lines += [f"    {item}" for item in (*deploy.changes, *deploy.troubles)]
        return "\n".join(lines)


def drawn(seed: int) -> Schedule:
    """The schedule of a seed."""
    dice = random.Random(seed)
    quirks = dice.choice(QUIRKS)
    author = _Author(dice, {} if quirks.get("tags_rejected") else {"tags": {"team": "one"}})
    deploys = [Deploy(author.first(), _troubles(dice, often=0.3))]
    for _ in range(dice.randint(2, 4)):
        changes = tuple(change for _ in range(dice.choice((0, 1, 1, 2))) for change in author.edits())
        deploys.append(Deploy(changes, _troubles(dice, often=0.7), refresh=dice.random() < 0.2))
    return Schedule(seed, quirks, tuple(deploys))


def smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules with one thing less, the largest things first."""
    for i, deploy in enumerate(schedule.deploys):
        rest = (*schedule.deploys[:i], *schedule.deploys[i + 1 :])
        if len(schedule.deploys) > 1:
            yield replace(schedule, deploys=rest)
        for part in ("changes", "troubles"):
            items = getattr(deploy, part)
            for k in range(len(items)):
                less: Deploy = replace(deploy, **{part: (*items[:k], *items[k + 1 :])})
                yield replace(schedule, deploys=(*schedule.deploys[:i], less, *schedule.deploys[i + 1 :]))
        if deploy.refresh:
            calm = replace(deploy, refresh=False)
            yield replace(schedule, deploys=(*schedule.deploys[:i], calm, *schedule.deploys[i + 1 :]))
    if schedule.quirks:
        yield replace(schedule, quirks={})


class _Author:
    """Writes a program, and edits it; every label and service name is new."""

    def __init__(self, dice: random.Random, tags: Mapping[str, Any]) -> None:
        self._dice = dice
        self._tags = tags  # {} where the region refuses them, and rightly says so
        self._count = 0
        self._labels: dict[str, list[str]] = {QUEUE: [], GROUP: [], UPLOAD: [], JOB: []}

    def first(self) -> tuple[Change, ...]:
        kinds = [kind for kind in (QUEUE, GROUP, UPLOAD) if self._dice.random() < 0.5]
        return tuple(self._add(kind) for kind in (*kinds, *[JOB] * self._dice.choice((1, 1, 2))))

    def edits(self) -> list[Change]:
        pick = self._dice.random()
        kind = self._dice.choice((QUEUE, GROUP, UPLOAD, JOB, JOB, JOB))
        if pick < 0.15 or not self._labels[kind]:
            return [self._add(kind)]
        label = self._dice.choice(self._labels[kind])
        if pick < 0.3:
            new = self._new_label(kind)
            self._labels[kind].remove(label)
            return [Change("rename", label, to=new, alias=self._dice.random() < 0.5)]
        if pick < 0.4:
            if kind in (QUEUE, GROUP):
                return [Change("edit", label, inputs={_NAME[kind]: self._name(kind)})]
            return [Change("replace", label, delete_first=self._dice.random() < 0.5)]
        if pick < 0.5:
            self._labels[kind].remove(label)
            return [Change("remove", label)]
        return [Change("edit", label, inputs=self._edit(kind), uses=self._uses(kind))]

    def _add(self, kind: str) -> Change:
        return Change("add", self._new_label(kind), kind, inputs=self._inputs(kind), uses=self._uses(kind))

    def _new_label(self, kind: str) -> str:
        label = self._name(kind)
        self._labels[kind].append(label)
        return label

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind[0].lower()}{self._count}"

    def _inputs(self, kind: str) -> dict[str, Any]:
        dice = self._dice
        if kind == QUEUE:
            return {"queue_name": self._name(kind), "cu_count": 64, **self._tags}
        if kind == GROUP:
            return {"group_name": self._name(kind), "packages": self._packages(), **self._tags}
        if kind == UPLOAD:
            return {"bucket": "code", "name": f"{self._name(kind)}.jar", "content": "1"}
        return {
            "name": self._name(kind),
            "main_class": "Main",
            "obs_bucket": "state",
            "entrypoint_args": SECRET,
            "checkpoint_enabled": True,
            "checkpoint_interval": 10,
            "stabilization_seconds": 5,
            "upgrade_mode": dice.choice(MODES),
            "parallel_number": 1,
        }

    def _packages(self) -> list[str]:
        jars = ["a", "b", "c"]
        return [f"obs://jars/{jar}.jar" for jar in jars[: self._dice.randint(1, 3)]]

    def _retagged(self) -> dict[str, Any]:
        return {"tags": {"team": self._dice.choice(("one", "two"))}} if self._tags else {}

    def _edit(self, kind: str) -> dict[str, Any]:
        dice = self._dice
        if kind == QUEUE:
            return self._retagged()
        if kind == GROUP:
            return dice.choice(({"packages": self._packages()}, self._retagged()))
        if kind == UPLOAD:
            return {"content": str(dice.randint(1, 3))}
        edits: tuple[dict[str, Any], ...] = (
            {"parallel_number": dice.randint(1, 2)},
            {"restart_nonce": str(dice.randint(1, 3))},
            {"savepoint_nonce": str(dice.randint(1, 3))},
            {"upgrade_mode": dice.choice(MODES)},
            {"state": dice.choice(("running", "suspended"))},
            {"entrypoint": f"obs://jars/{dice.choice('abc')}.jar"},
            {"desc": dice.choice(("new", "newer"))},
            {"repair": dice.choice(("all", "none", "failed"))},
            {"name": self._name(kind)},
        )
        return dice.choice(edits)

    def _uses(self, kind: str) -> dict[str, str]:
        if kind != JOB or self._dice.random() < 0.5:
            return {}
        uses = {}
        if self._labels[QUEUE]:
            uses["queue_name"] = self._dice.choice(self._labels[QUEUE])
        if packages := [*self._labels[GROUP], *self._labels[UPLOAD]]:
            uses["entrypoint"] = self._dice.choice(packages)
        return uses


_NAME = {QUEUE: "queue_name", GROUP: "group_name"}


def _troubles(dice: random.Random, *, often: float) -> tuple[Trouble, ...]:
    if dice.random() > often:
        return ()
    return tuple(_trouble(dice) for _ in range(dice.choice((1, 1, 2))))


def _trouble(dice: random.Random) -> Trouble:
    what = dice.choice(("fault", "fault", "fault", "kill", "kill", "cancel", "act", "behaviour"))
    nth = dice.randint(1, 16)
    if what == "fault":
        given: dict[str, Any] = {
            "operation": dice.choice(OPERATIONS),
            "effect": dice.choice(EFFECTS),
            "nth": dice.randint(1, 8),
            "times": dice.choice((1, 1, 2, 3)),
        }
        if given["effect"] == "partial_batch":
            given |= {"operation": dice.choice(("jobs.run", "jobs.stop", "jobs.delete_many")), "positions": [0]}
        return Trouble(what, given=given)
    if what == "behaviour":
        effect = dice.choice(BEHAVIOURS)
        return Trouble(what, given={"effect": effect, "times": 1, "after": dice.choice((1.0, 30.0))})
    if what == "act":
        return Trouble(what, nth, "before", {**dice.choice(ACTS), "which": dice.randint(0, 3)})
    return Trouble(what, nth, dice.choice(("before", "after")))
