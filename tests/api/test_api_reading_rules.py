"""How values of the wire are read, by table and with noise."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulumi_dli.api import decoding
from pulumi_dli.api.flink_models import ExecutionGraph, FlinkJob, JobConfig
from pulumi_dli.api.package_groups import Module, Package, PackageGroup
from pulumi_dli.api.queues import Queue
from pulumi_dli.api.responses import Request, Response, decode, refusal
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.errors import ApiError, DliError


@pytest.mark.parametrize(
    ("value", "means"),
    [(True, True), ("true", True), ("True", True), (" TRUE ", True), (None, True), (False, False), ("false", False),
     ("False", False), ("", False), ("yes", False), (1, False), (0, False), ([], False)],
)  # fmt: skip
def test_success_is_true_or_its_text_and_missing_counts_as_success(value, means):
    assert decoding.is_true(value) is means


@pytest.mark.parametrize(
    ("read", "value", "gives"),
    [
        (decoding.read_text, "", None), (decoding.read_text, None, None), (decoding.read_text, 1.15, "1.15"),
        (decoding.read_text, [], None), (decoding.read_text, " a ", " a "),
        (decoding.read_int, "16", 16), (decoding.read_int, 16.0, 16), (decoding.read_int, 16.5, None),
        (decoding.read_int, True, None),
        (decoding.read_int, 1587613028851, 1587613028851), (decoding.read_int, "1587613028851", 1587613028851),
        (decoding.read_int, "-1", -1), (decoding.read_int, "many", None), (decoding.read_int, float("nan"), None),
        (decoding.read_flag, "false", False), (decoding.read_flag, "TRUE", True), (decoding.read_flag, None, None),
        (decoding.read_flag, 1, None),
        (decoding.read_time, 0, None), (decoding.read_time, -1, None), (decoding.read_time, None, None),
        (decoding.read_time, "1578466221525", 1578466221525),
        (decoding.read_number, "1.5", 1.5), (decoding.read_number, "inf", None), (decoding.read_number, 10**400, None),
        (decoding.read_checkpoint_mode, "exactly_once", 1), (decoding.read_checkpoint_mode, "AT_LEAST_ONCE", 2),
        (decoding.read_checkpoint_mode, 2, 2), (decoding.read_checkpoint_mode, "1", 1),
        (decoding.read_checkpoint_mode, 3, None),
        (decoding.read_labels, "multi_az=2", ("multi_az=2",)), (decoding.read_labels, "a=1, b=2", ("a=1", "b=2")),
        (decoding.read_labels, '{"multi_az":"2"}', ("multi_az=2",)), (decoding.read_labels, ["a=1"], ("a=1",)),
        (decoding.read_labels, [{"multi_az": "2"}], ("multi_az=2",)), (decoding.read_labels, None, ()),
        (decoding.read_labels, [{"key": "a", "value": "1"}], ("a=1",)), (decoding.read_labels, "", ()),
        (decoding.read_texts, '["a", "b"]', ("a", "b")), (decoding.read_texts, "a,b", ("a", "b")),
        (decoding.read_texts, [], ()), (decoding.read_texts, [None, "", "a"], ("a",)), (decoding.read_texts, 5, None),
        (decoding.read_runtime_config, '[{"key": "a", "value": "1"}]', {"a": "1"}),
        (decoding.read_runtime_config, '{"a": 1, "b": true}', {"a": "1", "b": "true"}),
        (decoding.read_runtime_config, "a=1\n\n b = x=y \n", {"a": "1", "b": "x=y"}),
        (decoding.read_runtime_config, {"a": "1"}, {"a": "1"}), (decoding.read_runtime_config, "words", None),
        (decoding.read_runtime_config, "", None), (decoding.read_runtime_config, "[]", {}),
        (decoding.read_status, "uploading", "UPLOADING"), (decoding.read_status, None, ""),
    ],
)  # fmt: skip
def test_the_reading_rules(read, value, gives):
    assert read(value) == gives


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_runtime_settings_come_back_as_they_were_sent(settings):
    assert decoding.read_runtime_config(decoding.runtime_config_text(settings)) == settings


def test_an_unreadable_runtime_text_is_kept_as_it_came():
    config = JobConfig.model_validate({"runtime_config": "just words"})
    assert (config.runtime_config, config.runtime_config_text) == (None, "just words")


def test_both_spellings_of_a_key_are_read_even_when_one_is_null():
    queue = Queue.model_validate({"queueName": None, "queue_name": "q", "cuCount": "", "cu_count": "16"})
    assert (queue.queue_name, queue.cu_count) == ("q", 16)


def test_a_record_without_its_identity_is_never_left_out():
    with pytest.raises(ApiError, match="a queue that cannot be read"):
        decoding.read_records(Queue, [{"queue_name": "q"}, {"queue_name": None}], "a queue")


NOISE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
MODELS = [
    (Queue, {"queue_name": "q"}),
    (Package, {"resource_name": "p"}),
    (PackageGroup, {}),
    (Module, {"module_name": "m"}),
    (FlinkJob, {"job_id": 7}),
    (JobConfig, {}),
    (ExecutionGraph, {}),
]
WIRE_NAMES = {"queueName", "queueType", "cuCount", "user_name", "username", "job_config", "isStoppable", "end-time"}


def noisy(model):
    names = sorted(set(model.model_fields) | WIRE_NAMES)
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=5), NOISE, max_size=8)


@pytest.mark.parametrize(("model", "identity"), MODELS)
@given(data=st.data())
def test_noise_is_read_or_refused_but_never_crashes(model, identity, data):
    record = {**identity, **data.draw(noisy(model))}
    try:
        read = decoding.read_record(model, record, "a record")
    except DliError:
        key = next(
            (name for name in ("queue_name", "resource_name", "module_name", "job_id") if name in identity), None
        )
        nested = model is PackageGroup and "details" in record
        assert nested or (key is not None and ("queueName" in record or record.get(key) != identity[key]))
        return
    assert "" not in [value for name, value in read if name != "status"]


@pytest.mark.parametrize(("model", "identity"), MODELS)
@given(data=st.data())
def test_null_missing_and_empty_text_are_read_alike(model, identity, data):
    names = data.draw(st.lists(st.sampled_from(sorted(set(model.model_fields) - set(identity))), unique=True))
    absent = data.draw(st.lists(st.sampled_from([None, ""]), min_size=len(names), max_size=len(names)))
    assert model.model_validate({**identity, **dict(zip(names, absent, strict=True))}) == model.model_validate(identity)


@given(
    content=st.binary(max_size=60) | NOISE.map(lambda value: json.dumps(value).encode()), status=st.integers(200, 599)
)
@example(content=b"[" * 100_000, status=200)
@example(content=b"9" * 10_000, status=400)
def test_any_answer_is_either_read_or_becomes_an_error_of_ours(content, status):
    for repeat in Idempotency:
        request = Request("GET", "v1.0", ("queues",), "list queues", repeat)
        answer = Response(request=request, status=status, value=decode(content))
        error = refusal(answer)
        if not 200 <= status < 300:
            assert isinstance(error, DliError)
        if isinstance(error, ApiError):
            assert 0 < len(error.message) <= 500
