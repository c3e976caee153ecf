"""What the tables of docs/upgrades.md promise, done for real: every status that a job can be brought to, every effect,
every mode; and every mode before against every mode after."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stacks import Failed, Stream

A, B = "obs://jars/a.jar", "obs://jars/b.jar"
MODES = ("savepoint", "stateless", "last-state")
EFFECTS = {
    "nothing": {"rollback": True},
    "live field": {"smn_topic": "t"},
    "text": {"desc": "text"},
    "other": {"entrypoint": B},
    "suspended": {"state": "suspended"},
    "suspended + change": {"state": "suspended", "entrypoint": B},
}


def draft(stream: Stream) -> None:
    stream.up(state="draft")
    stream.inputs["state"] = "running"


def running(stream: Stream) -> None:
    stream.up()
    stream.emulator.advance(100)


def idle(stream: Stream) -> None:
    running(stream)
    stream.act("status", status="job_idle")


def submit_fail(stream: Stream) -> None:
    fault = stream.emulator.behave("submit_fail", description="no such class")
    with pytest.raises(Failed):
        stream.up()
    stream.emulator.clear_faults(fault)


def exception(stream: Stream) -> None:
    running(stream)
    stream.act("fail", description="boom")


def stopped_with_savepoint(stream: Stream) -> None:
    running(stream)
    stream.act("stop", savepoint=True)
    stream.emulator.advance(100)


def stopped(stream: Stream) -> None:
    running(stream)
    stream.act("stop")
    stream.emulator.advance(100)


def arrears(stream: Stream) -> None:
    running(stream)
    stream.act("arrears")


def recovering(stream: Stream) -> None:
    arrears(stream)
    stream.act("paid")


def finished(stream: Stream) -> None:
    running(stream)
    stream.act("finish")


def savepointing(stream: Stream) -> None:
    running(stream)
    stream.act("stop", savepoint=True)


def canceling(stream: Stream) -> None:
    running(stream)
    stream.act("stop")


SITUATIONS: dict[str, tuple[Callable[[Stream], None], str]] = {
    "draft": (draft, "job_init"),
    "running": (running, "job_running"),
    "submit failed": (submit_fail, "job_submit_fail"),
    "failed": (exception, "job_running_exception"),
    "stopped with savepoint": (stopped_with_savepoint, "job_cancel_success"),
    "stopped": (stopped, "job_cancel_success"),
    "arrears": (arrears, "job_arrearage_stopped"),
    "finished": (finished, "job_finish"),
}


START, SENT, NONE, REFUSED = "starts", "sent", "nothing", "refused"


def expected(observed: str, effect: str, mode: str) -> str:
    """The table of docs/upgrades.md for what can be brought about here."""
    suspended, other = effect.startswith("suspended"), effect == "other"
    changed = effect not in ("nothing", "suspended")
    at_rest = SENT if changed else NONE
    match observed:
        case "draft":
            return at_rest if suspended else START
        case "running":
            if suspended:
                return "stops"
            return "restarts" if other else (SENT if effect == "live field" else NONE)
        case "arrears":
            return REFUSED if changed else NONE
        case "finished":
            return START if other else at_rest
        case "submit failed":  # it never ran: there is no state to lose
            return at_rest if suspended else START
        case "failed":
            if suspended:
                return at_rest
            if mode != "savepoint":
                return START
            return REFUSED if other else at_rest
        case "stopped with savepoint":
            return START if other else at_rest
        case _:
            if other and mode == "savepoint":
                return REFUSED
            return START if other else at_rest


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("observed", SITUATIONS)
def test_what_the_table_says_is_what_happens(stream, observed, effect, mode):
    bring, status = SITUATIONS[observed]
    stream.inputs |= {"upgrade_mode": mode, "checkpoint_enabled": True, "checkpoint_interval": 10}
    bring(stream)
    assert stream.status == status
    ran = stream.real["state_seconds"] or 0
    promise = expected(observed, effect, mode)
    stream.forget()
    refused = promise == REFUSED
    if refused:
        with pytest.raises(Failed) as failed:
            stream.up(**EFFECTS[effect])
        assert not failed.value.half_done
    else:
        stream.up(**EFFECTS[effect])
    writes = [name for name in stream.writes() if name != "import_savepoint"]
    assert (
        writes
        == {
            REFUSED: [],
            NONE: [],
            SENT: ["update"],
            "stops": ["stop", "update"] if effect == "suspended + change" else ["stop"],
            "restarts": ["stop", "update", "run"],
            START: ["update", "run"] if effect not in ("nothing", "suspended") else ["run"],
        }[promise]
    )
    starts = promise in (START, "restarts")
    if starts:
        keeps = mode != "stateless" and observed in ("running", "failed", "stopped with savepoint", "stopped")
        assert stream.status == "job_running"
        assert bool(stream.real["restored_from"]) == keeps
        if keeps:
            assert stream.real["state_seconds"] >= ran - 10
    elif promise == "stops":
        assert stream.status == "job_cancel_success"
        assert bool(stream.real["savepoint_path"]) == (mode != "stateless")
    else:
        assert stream.status == status
    if not refused:
        assert stream.real["definition"]["entrypoint"] == (B if EFFECTS[effect].get("entrypoint") else A)


@pytest.mark.parametrize("bring", [recovering, savepointing, canceling], ids=lambda function: function.__name__)
def test_a_job_between_two_statuses_is_waited_for(stream, bring):
    stream.emulator.quirk(timings={"submit": 1000.0, "stop": 1000.0, "savepoint": 1000.0})  # half a second each
    bring(stream)
    moving = stream.real["status"]
    assert moving in ("job_arrearage_recovering", "job_savepointing", "job_canceling")
    stream.forget()
    if bring is canceling:
        with pytest.raises(Failed, match="no savepoint is newer"):
            stream.up(entrypoint=B)
        assert stream.writes() == []
        return
    stream.up(entrypoint=B)
    assert stream.status == "job_running"
    assert len(stream.real["restored_from"]) == 1
    assert stream.real["definition"]["entrypoint"] == B


def test_an_idle_job_is_restarted_with_its_state(stream):
    idle(stream)
    stream.up(entrypoint=B)
    assert len(stream.real["restored_from"]) == 1
    assert stream.status == "job_running"


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
def test_the_mode_of_the_program_decides_not_that_of_the_last_time(stream, before, after):
    stream.inputs |= {"checkpoint_enabled": True, "checkpoint_interval": 10}
    stream.up(upgrade_mode=before)
    stream.emulator.advance(200)
    ran = stream.real["state_seconds"]
    stream.up(entrypoint=B, upgrade_mode=after)
    restored = stream.real["restored_from"]
    assert [("/savepoint/" in path, "/chk-" in path) for path in restored] == {
        "savepoint": [(True, False)],
        "stateless": [],
        "last-state": [(False, True)],
    }[after]
    if after != "stateless":
        assert stream.real["state_seconds"] >= ran - 10
    stream.emulator.advance(200)
    stream.up(entrypoint=A, upgrade_mode=before)
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == A
    assert not stream.refresh()
