"""What the service refuses of a job, and what that means: gone, another form of a path, a way out."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stack, Stream

CODES = [("DLI.0002", 400), ("DLI.0023", 404)]


def hosted(stream: Stream) -> Stack:
    """The stack of the stream, driven by the dynamic host from now on."""
    stack = Stack(stream.emulator, hosted=True, project_id=stream.stack.project_id)
    stack.entries = stream.stack.entries
    return stack


def vanish(stream: Stream) -> None:
    stream.stack.call("DELETE", f"/v1.0/{{p}}/streaming/jobs/{stream.id}")


@pytest.mark.parametrize("code", [code for code, _ in CODES])
def test_a_job_that_the_list_lacks_too_is_gone(stream: Stream, code: str) -> None:
    stream.up(state="draft")
    stream.emulator.quirk(job_not_found=code)
    vanish(stream)
    stack = hosted(stream)
    entry = stream.entry
    stack.refresh(stream.name)
    assert stack.entries == {}
    stack.entries[stream.name] = entry
    stack.destroy(stream.name)
    assert stack.requests("jobs.list")


@pytest.mark.parametrize(("code", "status"), CODES)
@pytest.mark.parametrize("step", ["refresh", "destroy", "update"])
def test_a_job_that_the_list_has_is_not(stream: Stream, step: str, code: str, status: int) -> None:
    stream.up(state="draft")
    stream.emulator.fault("jobs.get", status, code=code, times=0)
    stack = hosted(stream)
    changed = {**stream.inputs, "parallel_number": 2}
    steps = {
        "refresh": lambda: stack.refresh(stream.name),
        "destroy": lambda: stack.destroy(stream.name),
        "update": lambda: stack.up("FlinkJarJob", stream.name, **changed),
    }
    with pytest.raises(Failed, match=code):
        steps[step]()
    assert stream.name in stack.entries
    assert stream.real["status"] == "job_init"


@pytest.mark.parametrize("effect", [403, 404, 200])
def test_without_the_list_nothing_is_gone(stream: Stream, effect: int) -> None:
    stream.up(state="draft")
    stream.emulator.quirk(job_not_found="DLI.0002")
    vanish(stream)
    short = {"body": {"job_list": {"total_count": 3, "jobs": []}}} if effect == 200 else {}
    stream.emulator.fault("jobs.list", effect, times=0, **short)
    stack = hosted(stream)
    with pytest.raises(Failed, match=r"DLI\.0002"):
        stack.refresh(stream.name)
    assert stream.name in stack.entries


@pytest.mark.parametrize("code", [code for code, _ in CODES])
def test_a_batch_that_finds_no_job_to_delete_is_no_error(stream: Stream, code: str) -> None:
    stream.up(state="suspended", savepoint_on_delete=False)
    stream.emulator.quirk(job_not_found=code)
    stack = hosted(stream)
    vanish(stream)
    stack.destroy(stream.name)
    assert stack.requests("jobs.delete_many")


@pytest.mark.parametrize(("code", "status"), CODES)
def test_a_batch_that_says_so_of_a_job_that_is_there_is_one(stream: Stream, code: str, status: int) -> None:
    stream.up(state="suspended", savepoint_on_delete=False)
    stream.emulator.fault("jobs.delete_many", "partial_batch", positions=[0], code=code, message="no such object")
    with pytest.raises(Failed, match=code):
        hosted(stream).destroy(stream.name)
    assert stream.real


@pytest.mark.parametrize("form", ["bare", "obs"])
def test_savepoint_calls_try_the_other_form_of_a_path_once(stream: Stream, form: str) -> None:
    stream.emulator.quirk(savepoint_path_form=form)
    stream.up()
    stream.up(savepoint_nonce="1")
    path = stream.outs["savepoint_path"]
    assert path
    stream.stack.up("FlinkJarJob", "other", **{**stream.inputs, "name": "other", "initial_savepoint_path": path})
    assert next(job for job in stream.stack.jobs() if job["name"] == "other")["restored_from"] == [path]
    tried = {name: len(stream.stack.requests(f"jobs.{name}")) for name in ("savepoint", "import_savepoint")}
    assert tried == {"savepoint": 1 + (form == "obs"), "import_savepoint": 1 + (form == "bare")}


def test_a_bucket_that_the_service_may_not_use_is_refused_with_the_way_out(stream: Stream) -> None:
    stream.emulator.quirk(check_buckets=True)
    with pytest.raises(Failed, match=r"DLI\.11016: .*: let DLI use the bucket: `pulumi-dli doctor .*--authorize`"):
        stream.up(state="draft")


def test_a_savepoint_that_is_refused_inside_its_answer_is_an_error(stream: Stream) -> None:
    stream.up()
    inner = '{"is_success":"false","message":"the bucket is not authorised"}'
    stream.emulator.fault("jobs.savepoint", 200, body={"is_success": "true", "message": inner})
    with pytest.raises(Failed, match="the bucket is not authorised"):
        stream.up(savepoint_nonce="1")
    assert len(stream.stack.requests("jobs.savepoint")) == 1
