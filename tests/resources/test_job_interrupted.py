"""What was lost, refused or cut off half-way is finished by the next `up`: one job, running, with its state."""

from __future__ import annotations

import threading

import pytest

from pulumi_dli.lifecycle.ownership import owner_of
from pulumi_dli.specs.values import OWNER_TAG
from tests.stacks import JOB, Failed, Stack, Stream

A, B = "obs://jars/a.jar", "obs://jars/b.jar"
CUTS = ("drop_before", "drop_after", 500, 408)


def until_up(stream: Stream, attempts: int = 3, **changed) -> int:
    """Run `up` until it succeeds; how many failed."""
    for failed in range(attempts):
        try:
            stream.up(**changed)
        except Failed:
            continue
        return failed
    raise AssertionError(f"{attempts} times up, and still not there")


@pytest.mark.parametrize("effect", CUTS)
@pytest.mark.parametrize("call", ["jobs.create", "jobs.run", "jobs.get", "jobs.list", "tags.list", "tags.create"])
def test_a_create_survives_a_cut_at_every_call(stream, call, effect):
    stream.emulator.fault(call, effect)
    if call in ("jobs.list", "tags.list", "tags.create"):
        stream.emulator.fault("jobs.create", "drop_after")  # only then are they needed
    assert until_up(stream) <= 1
    assert stream.status == "job_running"
    assert not stream.refresh()
    assert stream.preview().action == "same"


@pytest.mark.parametrize("effect", CUTS)
@pytest.mark.parametrize("call", ["jobs.stop", "jobs.update", "jobs.run", "jobs.get"])
@pytest.mark.parametrize("nth", [1, 2])
def test_an_upgrade_survives_a_cut_at_every_call(stream, call, effect, nth):
    stream.up()
    stream.emulator.fault(call, effect, nth=nth)
    assert until_up(stream, entrypoint=B) <= 1
    assert stream.real["definition"]["entrypoint"] == B
    assert stream.status == "job_running"
    assert len(stream.real["restored_from"]) >= 1
    assert stream.real["state_seconds"] > 100
    assert not stream.refresh()


@pytest.mark.parametrize("effect", CUTS)
def test_a_live_change_survives_a_cut(stream, effect):
    stream.up(smn_topic="a")
    stream.emulator.fault("jobs.update", effect)
    stream.up(obs_bucket="other", smn_topic="b")
    assert (stream.real["definition"]["obs_bucket"], stream.real["definition"]["smn_topic"]) == ("other", "b")
    assert "jobs.stop" not in stream.stack.operations()
    assert not stream.refresh()


@pytest.mark.parametrize("effect", CUTS)
@pytest.mark.parametrize("call", ["jobs.stop", "jobs.delete_many", "jobs.get", "tags.filter", "tags.list"])
def test_a_destroy_survives_a_cut_at_every_call(stream, call, effect):
    stream.up()
    stream.emulator.fault(call, effect)
    try:
        stream.destroy()
    except Failed:
        stream.destroy()
    assert stream.stack.jobs() == []


@pytest.mark.parametrize("effect", CUTS)
def test_a_rollback_survives_a_cut(stream, effect):
    stream.up()
    stream.emulator.behave("submit_fail", match={"entrypoint": "b.jar"})
    stream.emulator.fault("jobs.import_savepoint", effect)
    with pytest.raises(Failed, match=r"previous version runs again|STREAM IS DOWN"):
        stream.up(entrypoint=B)
    stream.emulator.clear_faults()
    until_up(stream)
    assert stream.real["definition"]["entrypoint"] == B
    assert stream.real["state_seconds"] > 100


def test_a_change_that_was_taken_before_a_refused_start_is_finished_later(stream):
    """Defect 2 of the peer: one error, then "no changes" for ever while the job is down."""
    stream.up()
    stream.act("stop", savepoint=True)
    stream.emulator.advance(120)
    stream.emulator.fault("jobs.run", 400, code="DLI.10001", message="Internal error.")
    with pytest.raises(Failed, match="Internal error") as failed:
        stream.up(entrypoint=B)
    assert failed.value.half_done
    assert stream.preview().action == "update"
    stream.up()
    assert stream.status == "job_running"
    assert len(stream.real["restored_from"]) == 1


# ownership


def draft(stack: Stack, name: str, tags: dict[str, str] | None = None) -> int:
    body = {"name": name, "queue_name": "q1", "entrypoint": A, "obs_bucket": "state", "main_class": "Main"}
    if tags:
        body["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    return int(stack.call("POST", "/v1.0/{p}/streaming/flink-jobs", body)["job"]["job_id"])


def own_tag(stream: Stream) -> dict[str, str]:
    return {OWNER_TAG: owner_of(stream.stack.project_id, stream.stack.urn(JOB, stream.name))}


@pytest.mark.parametrize("tags", [None, {"team": "x"}, {OWNER_TAG: "of-another-stack"}])
@pytest.mark.parametrize("quirk", [{}, {"v3_unpublished": True}])
def test_a_foreign_job_of_that_name_is_an_error_with_the_ways_out(stream, tags, quirk):
    job_id = draft(stream.stack, "j", tags)
    stream.emulator.quirk(**quirk)
    with pytest.raises(Failed, match=rf"id {job_id}.*adopt=True.*import.*another name") as failed:
        stream.up()
    assert not failed.value.half_done
    assert stream.real["status"] == "job_init"


@pytest.mark.parametrize("quirk", [{}, {"v3_unpublished": True}, {"name_filter": "exact"}])
@pytest.mark.parametrize("status", ["draft", "running", "failed", "stopped", "finished"])
def test_ones_own_earlier_attempt_is_taken_over_in_any_status(stream, quirk, status):
    draft(stream.stack, "jj")  # a fuzzy name filter finds this one, too
    job_id = draft(stream.stack, "j", own_tag(stream))
    stream.emulator.quirk(**quirk)
    if status != "draft":
        stream.emulator.act("job.restart", job=job_id)
        stream.emulator.advance(60)
        acts = {
            "failed": ("job.fail", {}),
            "stopped": ("job.stop", {"savepoint": True}),
            "finished": ("job.finish", {}),
        }
        if status in acts:
            stream.emulator.act(acts[status][0], job=job_id, **acts[status][1])
            stream.emulator.advance(120)
    if status == "failed":
        stream.forget()
        with pytest.raises(Failed, match="no savepoint is newer") as failed:
            stream.up()
        assert not failed.value.half_done, "the preview says it, and nothing is touched"
        assert stream.writes() == []
        stream.up(upgrade_mode="stateless")
    stream.up()
    assert stream.id == job_id
    (mine,) = (job for job in stream.stack.jobs() if job["name"] == "j")
    assert mine["status"] == ("job_finish" if status == "finished" else "job_running")
    if status == "running":
        assert "jobs.stop" not in stream.stack.operations()


@pytest.mark.parametrize("changed", [{"entrypoint": B}, {"desc": "x"}, {"entrypoint_args": "--x"}, {"cu_number": 5}])
def test_our_tag_on_another_definition_is_touched_only_with_adopt(stream, changed):
    job_id = draft(stream.stack, "j", own_tag(stream))
    stream.emulator.act("job.restart", job=job_id)
    stream.emulator.advance(60)
    before = len(stream.stack.requests())
    with pytest.raises(
        Failed, match=rf"id {job_id}.*differs in {next(iter(changed))}.*adopt=True.*another name.*dli:owner"
    ):
        stream.up(**changed)
    assert not [call for call in stream.stack.requests()[before + 1 :] if call["method"] not in ("GET", "HEAD")]
    stream.up(adopt=True, **changed)
    assert stream.id == job_id
    assert stream.status == "job_running"


def test_our_tag_on_an_old_job_is_touched_only_with_adopt(stream):
    job_id = draft(stream.stack, "j", own_tag(stream))
    stream.emulator.act("job.restart", job=job_id)
    stream.emulator.advance(3 * 86400)
    with pytest.raises(Failed, match=rf"id {job_id}.*made 3 days ago.*adopt=True.*another name.*dli:owner"):
        stream.up()
    assert "jobs.stop" not in stream.stack.operations()


def test_an_adopted_job_of_another_definition_is_brought_to_the_program(stream):
    job_id = draft(stream.stack, "j", own_tag(stream))
    stream.emulator.act("job.restart", job=job_id)
    stream.emulator.advance(60)
    stream.up(entrypoint=B, adopt=True)
    assert stream.real["definition"]["entrypoint"] == B
    assert len(stream.real["restored_from"]) == 1


@pytest.mark.parametrize("quirk", [{}, {"v3_unpublished": True}])
def test_adopt_takes_over_what_the_program_says(stream, quirk):
    job_id = draft(stream.stack, "j", {"team": "x"})
    stream.emulator.quirk(**quirk)
    stream.up(adopt=True)
    assert stream.id == job_id
    assert stream.status == "job_running"


def test_where_tags_are_dropped_nothing_is_adopted_silently(stream):
    stream.emulator.quirk(tags_refused=True)
    stream.emulator.fault("jobs.create", "drop_after")
    with pytest.raises(Failed, match="adopt=True"):
        stream.up()
    stream.up(adopt=True)
    assert stream.status == "job_running"


@pytest.mark.parametrize("killed", [False, True])
def test_a_forced_replacement_keeps_the_job(stream, killed):
    """The engine creates the successor, which takes the job over, and then deletes the entry of the predecessor."""
    stream.up()
    old = stream.entry
    with stream.stack.phase() as phase:
        made, outs = phase.create(JOB, old.urn, old.inputs, None)
        assert made == old.id
        if not killed:
            phase.delete(old, None)
    if killed:
        with stream.stack.phase() as phase:
            phase.delete(old, None)
            assert any("only forgotten" in text for _, text in phase.lines)
    old.outs = outs
    assert stream.status == "job_running"
    assert "jobs.stop" not in stream.stack.operations()
    stream.destroy()
    assert stream.stack.jobs() == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_rename_in_the_program_keeps_the_job(stream, killed):
    stream.up()
    old = stream.entry
    with stream.stack.phase() as phase:
        urn = stream.stack.urn(JOB, "renamed")
        with pytest.raises(Failed, match="adopt=True"):
            phase.create(JOB, urn, old.inputs, None)
        made, _ = phase.create(JOB, urn, {**old.inputs, "adopt": True}, None)
        assert made == old.id
        if not killed:
            phase.delete(old, None)
    if killed:
        with stream.stack.phase() as phase:
            phase.delete(old, None)
    assert stream.status == "job_running"


def test_a_rename_keeps_the_job_where_tags_cannot_tell(stream):
    stream.up()
    old = stream.entry
    stream.emulator.quirk(v3_unpublished=True)
    with stream.stack.phase() as phase:
        phase.create(JOB, stream.stack.urn(JOB, "renamed"), {**old.inputs, "adopt": True}, None)
        phase.delete(old, None)
        assert any("is kept" in text for _, text in phase.lines)
    assert stream.status == "job_running"


# ^C and timeouts


def cancelling(stream: Stream, status: str) -> None:
    """From now on, one ^C comes when the job is seen in this status."""

    def watch(phase) -> None:
        def wait() -> None:
            gate = threading.Event()
            while not gate.wait(0.002):
                if any(job["status"] == status for job in stream.emulator.jobs()):
                    phase.cancelled.set()
                    return

        threading.Thread(target=wait, daemon=True).start()

    stream.stack.on_phase = watch


def test_one_cancel_ends_the_wait_of_a_create_and_keeps_the_id(stream):
    stream.emulator.behave("slow_submit", after=200_000)
    cancelling(stream, "job_submitting")
    with pytest.raises(Failed, match="cancelled") as failed:
        stream.up()
    assert failed.value.half_done
    assert stream.entry.id == str(stream.real["job_id"])
    stream.stack.on_phase = lambda _phase: None
    stream.emulator.advance(300_000)
    stream.forget()
    stream.up()
    assert stream.writes() == []
    assert stream.status == "job_running"


def test_a_cancel_while_the_stream_is_being_stopped_is_held_until_it_runs_again(stream):
    stream.up()
    stream.emulator.quirk(timings={"savepoint": 600.0})  # long enough to be seen
    cancelling(stream, "job_savepointing")
    with pytest.raises(Failed, match=r"was started and not seen to stay up|cancelled") as failed:
        stream.up(entrypoint=B)
    assert failed.value.half_done
    assert stream.writes()[-3:] == ["stop", "update", "run"]
    stream.stack.on_phase = lambda _phase: None
    stream.forget()
    stream.up()
    assert stream.writes() == []
    assert stream.status == "job_running"
    assert "pending_reason" not in stream.outs


def test_a_cancel_before_the_stop_was_sent_leaves_the_stream_up(stream):
    stream.up()
    stream.stack.on_phase = lambda phase: phase.cancelled.set()
    with pytest.raises(Failed) as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert "DOWN" not in str(failed.value)
    assert stream.status == "job_running"
    assert stream.writes()[2:] == []


def test_a_cancel_during_the_last_savepoint_of_a_destroy_says_so(stream):
    stream.up()
    stream.emulator.quirk(timings={"savepoint": 100_000.0})
    cancelling(stream, "job_savepointing")
    with pytest.raises(Failed, match="cancelled"):
        stream.destroy()
    stream.stack.on_phase = lambda _phase: None
    stream.emulator.advance(200_000)
    stream.destroy()
    assert stream.stack.jobs() == []


def test_custom_timeouts_are_obeyed_and_say_the_last_status(stream):
    stream.emulator.behave("slow_submit", after=200_000)
    with pytest.raises(Failed, match=r"still in job_submitting.*custom_timeouts") as failed:
        stream.up(timeout=0.2)
    assert failed.value.half_done
    stream.emulator.advance(300_000)
    stream.up()
    assert stream.status == "job_running"


def test_a_timeout_while_the_stream_is_down_says_that_it_is_down(stream):
    stream.up()
    stream.emulator.quirk(timings={"stop": 100_000.0})
    with pytest.raises(Failed, match="STREAM IS DOWN") as failed:
        stream.up(entrypoint=B, timeout=0.2)
    assert failed.value.half_done
    stream.emulator.advance(200_000)
    stream.up()
    assert stream.real["definition"]["entrypoint"] == B
    assert len(stream.real["restored_from"]) == 1


def test_a_timeout_of_the_new_version_does_not_say_down(stream):
    stream.up()
    stream.emulator.behave("slow_submit", after=200_000, match={"entrypoint": "b.jar"})
    with pytest.raises(Failed, match="was started and not seen to stay up") as failed:
        stream.up(entrypoint=B, timeout=0.4)
    assert failed.value.half_done
    assert "DOWN" not in str(failed.value)
    stream.emulator.advance(300_000)
    stream.forget()
    stream.up()
    assert stream.writes() == []
    assert stream.status == "job_running"


# secrets


CANARY = "canary-word-of-the-secret"


@pytest.mark.parametrize("where", ["entrypoint_args", "runtime_config"])
def test_secret_words_are_in_no_message_and_no_output_but_their_own(hosted, where):
    stream = Stream(hosted)
    given = {where: f"--password {CANARY}" if where == "entrypoint_args" else {"password": CANARY}}
    told: list[str] = []

    def attempt(**inputs) -> None:
        try:
            stream.up(**inputs)
        except Failed as failed:
            told.append(str(failed))
        told.extend(text for _, text in stream.stack.lines)

    attempt(**given)
    stream.act("fail", description=f"cannot log in with {CANARY}")
    stream.refresh()
    told += stream.entry.init_errors
    attempt(upgrade_mode="stateless")
    stream.emulator.behave("submit_fail", description=f"bad password {CANARY}")
    attempt(entrypoint=B)
    attempt(**{where: None})
    stream.emulator.fault("jobs.update", 400, code="DLI.0001", message=f"Invalid parameter: {CANARY}", times=0)
    stream.emulator.fault("jobs.run", 400, code="DLI.0001", message=f"Invalid parameter: {CANARY}", times=0)
    attempt(**given, desc="x")
    attempt(entrypoint=A)
    assert len(told) > 5
    assert not [text for text in told if CANARY in text]
    others = {name: value for name, value in stream.outs.items() if name != where}
    assert CANARY not in str(others)


def test_a_refused_create_does_not_repeat_secret_words(hosted):
    stream = Stream(hosted)
    stream.emulator.fault("jobs.create", 400, code="DLI.0001", message=f"Invalid parameter: {CANARY}")
    with pytest.raises(Failed, match="Invalid parameter") as failed:
        stream.up(entrypoint_args=f"--password={CANARY}")
    assert CANARY not in str(failed.value)


# budgets


def test_a_create_costs_one_create_one_run_and_polls(stream):
    stream.up()
    assert [name for name in stream.stack.operations() if name not in ("jobs.get", "queues.create")] == [
        "jobs.list",  # who has the name? one look for all jobs of the deployment
        "jobs.create",
        "jobs.run",
    ]


def test_a_refresh_of_one_job_costs_one_call(stream):
    stream.up()
    calls = len(stream.stack.requests())
    stream.refresh()
    assert len(stream.stack.requests()) - calls == 1


def test_an_upgrade_costs_one_stop_one_change_one_run_and_few_looks(stream):
    stream.up(stabilization_seconds=0)
    stream.emulator.set_pace(1_000_000)  # every wait is over at the first look
    try:
        calls = len(stream.stack.requests())
        stream.up(entrypoint=B)
        found = stream.stack.operations()[calls:]
    finally:
        stream.emulator.set_pace(2000)
    assert [name for name in found if name in ("jobs.stop", "jobs.update", "jobs.run")] == [
        "jobs.stop",
        "jobs.update",
        "jobs.run",
    ]
    assert found.count("jobs.get") + found.count("jobs.list") <= 7  # preview 1, details 3, one look a wait
    assert len(found) <= 10
