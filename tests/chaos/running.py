"""One schedule from its first deployment to rest, to one more `up` that does nothing, and to the end of the stack."""

from __future__ import annotations

import gc
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.checker import KEY, Epoch, World, left_by_kills, problems
from tests.chaos.deployment import Deployment, State, Told
from tests.chaos.programs import JOB, UPLOAD, Program, changed
from tests.chaos.schedules import Deploy, Schedule, Trouble, smaller
from tests.chaos.wire import Strike, Wire

SERVICE_SPEED = 1000.0
MOST_SECONDS = 60.0  # of one deployment on this machine
PROJECT_ID = "c0ffee00c0ffee00c0ffee00c0ffee00"

WAYS_OUT = re.compile(
    r"upgrade_mode stateless|allow_old_savepoint|stateless as upgrade_mode|initial_savepoint_path|savepoint_on_delete"
    r"|run `pulumi refresh`|cannot become a draft|give adopt=True|no call to import a savepoint|use upgrade_mode"
    r"|a new restart_nonce|last-state needs"
)
"""A refusal that is right after some troubles: the message must name a way, and the way must lead on."""

MOST_THREADS = 16
"""That may be left: those of the last client, which looks at the service and at OBS."""


@dataclass
class Report:
    """What came of a schedule."""

    violations: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)


def emulator() -> Emulator:
    return Emulator(speed=SERVICE_SPEED)


def config_of(dli: Emulator) -> dict[str, Any]:
    """The settings of the stack."""
    return {
        "dli:endpoint": dli.url,
        "dli:obsEndpoint": dli.objects_url,
        "dli:projectId": PROJECT_ID,
        "dli:accessKey": "ak",
        "dli:secretKey": KEY,
        "dli:pollSeconds": 2.0,
    }


def run(schedule: Schedule, dli: Emulator) -> Report:
    """All that happens; the local DLI is as new before it."""
    with tempfile.TemporaryDirectory() as folder:
        return _Run(schedule, dli, Path(folder)).run()


def shrunk(schedule: Schedule, dli: Emulator, *, most_runs: int = 60) -> Schedule:
    """A smaller schedule that fails with the same kind of violation."""
    kinds = _kinds(run(schedule, dli))
    runs = 0
    found = True
    while found and runs < most_runs:
        found = False
        for less in smaller(schedule):
            runs += 1
            if kinds & _kinds(run(less, dli)):
                schedule, found = less, True
                break
            if runs >= most_runs:
                break
    return schedule


def _kinds(report: Report) -> set[str]:
    return {violation.partition(":")[0] for violation in report.violations}


class _Run:
    def __init__(self, schedule: Schedule, dli: Emulator, folder: Path) -> None:
        self._schedule = schedule
        self._dli = dli
        self._folder = folder
        self._state = State()
        self._program: Program = {}
        self._report = Report()
        self._epochs: list[Epoch] = []
        self._replaced: dict[str, bool] = {}
        self._config = config_of(dli)

    def run(self) -> Report:
        self._dli.reset()
        self._dli.quirk(**self._schedule.quirks, timings={"first_submit": 40.0, "assigning": 10.0})
        self._world = World.prepared(self._dli, PROJECT_ID)
        threads = threading.active_count()
        for deploy in self._schedule.deploys:
            self._deploy(deploy)
        self._dli.clear_faults()
        self._settle_accounts()
        self._come_to_rest()
        if not self._report.violations:
            self._nothing_more_to_do()
        self._judge()
        if not self._report.violations:
            self._destroy()
        gc.collect()  # clients of earlier deployments, with their threads
        if threading.active_count() > threads + MOST_THREADS:
            self._violation("growth", f"{threading.active_count() - threads} threads are left")
        return self._report

    def _deploy(self, deploy: Deploy) -> None:
        for change in deploy.changes:
            if change.what == "replace" and change.label in self._program:
                self._replaced[change.label] = change.delete_first
            self._program = changed(self._program, change)
        self._up(deploy.troubles, refresh=deploy.refresh)
        self._dli.clear_faults()

    def _up(self, troubles: tuple[Trouble, ...] = (), *, refresh: bool = False) -> Told:
        replaced, self._replaced = self._replaced, {}
        return self._watched(
            lambda deployment: deployment.up(self._program, refresh=refresh, replaced=replaced), troubles
        )

    def _watched(self, work: Callable[[Deployment], Told], troubles: tuple[Trouble, ...] = ()) -> Told:
        """One deployment, with its troubles, its figures, and what no deployment may do."""
        deployment, wire = Deployment(self._state, self._config, self._folder), Wire()
        wire.strikes = [Strike(one.nth, one.when, self._blow(one, deployment, wire)) for one in troubles if one.nth]
        for trouble in troubles:
            self._arrange(trouble)
        with self._epoch(deployment), wire.open():
            thread = threading.Thread(target=lambda: work(deployment), daemon=True)
            thread.start()
            thread.join(MOST_SECONDS)
            if thread.is_alive():
                self._violation("hang", f"no end after {MOST_SECONDS:.0f} s")
                wire.dead = True
        told = deployment.told
        if wire.endless:
            self._violation("endless", f"{wire.calls} calls in one deployment")
        for strange in told.strange:
            self._violation("traceback", strange)
        self._report.figures.update({"deployments": 1, "calls": wire.calls, "kills": int(told.killed)})
        self._world.texts += [told.error, *(text for _, text in told.lines), self._state.text]
        return told

    @contextmanager
    def _epoch(self, deployment: Deployment) -> Iterator[None]:
        epoch = Epoch(since=self._world.last_event(), program=dict(self._program))
        epoch.owned |= self._jobs()
        self._epochs.append(epoch)
        self._current = epoch
        yield
        epoch.owned |= self._jobs()
        epoch.until, epoch.told = self._world.last_event(), deployment.told
        epoch.missing = self._world.missing_packages()

    def _jobs(self) -> dict[int, str]:
        jobs = [entry for entry in self._state.all() if entry.kind == JOB]
        return {int(entry.id): entry.urn.rpartition("::")[2] for entry in jobs}

    def _arrange(self, trouble: Trouble) -> None:
        if trouble.what in ("fault", "behaviour"):
            given = dict(trouble.given)
            effect = given.pop("effect")
            if trouble.what == "fault":
                self._dli.fault(given.pop("operation"), effect, **given)
            else:
                self._dli.behave(effect, **given)
            self._report.figures["faults"] += 1

    def _blow(self, trouble: Trouble, deployment: Deployment, wire: Wire) -> Callable[[], None]:
        def act() -> None:
            self._act(dict(trouble.given))

        blows = {"kill": wire.kill, "cancel": deployment.interrupt, "act": act}
        return blows.get(trouble.what, lambda: None)

    def _act(self, given: dict[str, Any]) -> None:
        which = int(given.pop("which"))
        if given["action"] == "package.delete":
            packages = self._world.own_packages()
            if not packages:
                return
            group, name = packages[which % len(packages)]
            given |= {"group": group, "name": name, "project_id": PROJECT_ID}
            self._current.removed.add(f"{group}/{name}")
        else:
            jobs = self._world.own_jobs()
            if not jobs:
                return
            given["job"] = jobs[which % len(jobs)]
        before = self._world.last_event()
        try:
            self._dli.act(given.pop("action"), **given)
        except ValueError:
            return  # what cannot be done in this status
        self._world.acted(before, self._world.last_event())
        self._current.acts.append(str(given))
        self._report.figures["acts"] += 1

    def _settle_accounts(self) -> None:
        for job in self._dli.jobs():
            if job["status"] == "job_arrearage_stopped":
                self._dli.act("job.paid", job=job["job_id"])

    def _come_to_rest(self) -> None:
        # What a person has changed is seen by a refresh only, as is a stop that was to become a delete.
        told = self._up(refresh=self._schedule.with_a("act") or bool(self._state.cut_off))
        if not told.ok:
            told = self._up(refresh=True)
        if not told.ok and WAYS_OUT.search(told.error):
            self._report.figures["ways out taken"] += 1
            self._take_the_way_out(told.error)
            told = self._up(refresh=True)
        if not told.ok:
            self._violation("stuck", told.error)

    def _take_the_way_out(self, error: str) -> None:
        mode = "savepoint" if "take the new savepoint_nonce back, or" in error else "stateless"
        for label, one in self._program.items():
            ways = {JOB: {"upgrade_mode": mode, "restart_nonce": "way out", "adopt": True}, UPLOAD: {}}.get(
                one.kind, {"adopt": True}
            )
            self._program[label] = replace(one, inputs={**one.inputs, **ways})

    def _nothing_more_to_do(self) -> None:
        since = self._world.last_call()
        told = self._up()
        writes = self._world.writes_since(since)
        if not told.ok or writes:
            self._violation("no rest", f"one more up: {told.error or writes}")

    def _judge(self) -> None:
        calm = not self._schedule.with_a("act", "behaviour")
        for problem in problems(self._world, self._epochs, self._state, self._program, self._folder, calm=calm):
            self._violation(*problem)

    def _destroy(self) -> None:
        told = self._watched(Deployment.destroy)
        if not told.ok:
            told = self._watched(Deployment.destroy)
        if not told.ok and not WAYS_OUT.search(told.error):
            self._violation("stuck", f"destroy: {told.error}")
        elif told.ok:
            unknown = left_by_kills(self._world, self._epochs, self._program)
            for left in [] if unknown else self._world.not_foreign():
                self._violation("orphan", f"{left} is left after destroy")

    def _violation(self, kind: str, text: str) -> None:
        self._report.violations.append(f"{kind}: {text}")
