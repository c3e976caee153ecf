"""What a person sees while the service throttles, after a ^C, and of secrets: through the SDK's own host."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.provider import FlinkJarJobProvider
from tests.dynamic_host import DynamicHost, HostError, eventually
from tests.resources.conftest import _shared_emulator, emulator, hosted  # noqa: F401
from tests.stacks import Failed, Stack, Stream

URN = "urn:pulumi:dev::proj::pulumi-python:dynamic/dli:FlinkJarJob::j"
PASSWORD = 'pa"ss w/ö+rd'
SECRET = [["runtime_config", "db.password"]]


@pytest.mark.parametrize("retry_after", [None, 50])
def test_a_cancel_ends_a_throttled_call_at_once_and_its_line_says_that_it_waits(emulator: Emulator, retry_after):  # noqa: F811
    stack = Stack(emulator)
    emulator.fault("*", 429, times=0, **({"retry_after": retry_after} if retry_after else {}))
    inputs = {"name": "j", "entrypoint": "obs://jars/a.jar", "queue_name": "q1"}
    with DynamicHost(config=stack.config) as host, ThreadPoolExecutor(2) as pool:
        urns = [URN, URN.replace("::j", "::k")]
        calls = [pool.submit(host.create, FlinkJarJobProvider, urn, {**inputs, "name": urn[-1]}) for urn in urns]
        told = lambda urn: [line.text for line in host.logs if line.urn == urn and "throttles" in line.text]  # noqa: E731
        for urn in urns:
            eventually(lambda urn=urn: told(urn), what="a line about the throttling")
            assert "next try at" in told(urn)[0]
        began = time.monotonic()
        host.cancel()
        for call in calls:
            with pytest.raises(HostError) as raised:
                call.result(timeout=20)
            assert raised.value.clean
            assert "cancelled" in raised.value.message
        assert time.monotonic() - began < 5
    emulator.clear_faults()


def test_exactly_the_secret_inputs_are_hidden_in_every_form(hosted):  # noqa: F811
    stream = Stream(hosted)
    config = {"db.password": PASSWORD, "topic": "orders"}
    given = {"runtime_config": config, "entrypoint_args": "--topic orders", "__secret_inputs": SECRET}
    forms = [
        PASSWORD,
        quote(PASSWORD, safe=""),
        json.dumps(PASSWORD)[1:-1],
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"user:{PASSWORD}".encode()).decode()[8:-4],
        f"jdbc:x://user:{PASSWORD}@host",
        f"user=u&password={PASSWORD}",
    ]
    stream.up(**given)
    told: list[str] = []
    for form in forms:
        stream.act("fail", description=f"cannot log in: {form} Topic orders not present \x1b[2J\u202e")
        stream.refresh()
        told += [*stream.entry.init_errors, stream.outs["status_desc"]]
    stream.emulator.fault("*", 400, code="DLI.0001", message=f"Invalid {forms[0]} for orders", times=0)
    with pytest.raises(Failed) as failed:
        stream.up(entrypoint="obs://jars/b.jar", upgrade_mode="stateless")
    stream.emulator.clear_faults()
    told.append(str(failed.value))
    assert len(told) == 2 * len(forms) + 1
    for text in told:
        assert not [form for form in forms if form in text]
        assert "[secret]" in text
        assert "orders" in text  # not secret, so not hidden
        assert text.isprintable()
    kept = {name: value for name, value in stream.outs.items() if name != "runtime_config"}
    assert not [form for form in forms if form in json.dumps(kept, ensure_ascii=False)]
    assert stream.outs["__secret_inputs"] == SECRET


def test_where_nothing_is_secret_nothing_is_hidden(hosted):  # noqa: F811
    stream = Stream(hosted)
    cause = "Topic orders not present in metadata of broker-1:9092"
    stream.up(entrypoint_args="--topic orders --broker broker-1:9092", __secret_inputs=[])
    stream.act("fail", description=cause)
    stream.refresh()
    assert stream.outs["status_desc"] == cause


def test_a_state_without_the_names_hides_what_may_be_secret(hosted):  # noqa: F811
    stream = Stream(hosted)
    stream.up(runtime_config={"db.password": PASSWORD})
    stream.act("fail", description=f"cannot log in with {PASSWORD}")
    stream.refresh()
    assert stream.outs["status_desc"] == "cannot log in with [secret]"
    assert "__secret_inputs" not in stream.outs


def test_a_secret_in_a_failed_look_stays_out_of_the_state(hosted):  # noqa: F811
    stream = Stream(hosted)
    stream.up(runtime_config={"db.password": PASSWORD}, __secret_inputs=SECRET)
    stream.emulator.fault("jobs.get", 400, code="DLI.0001", message=f"cannot show {PASSWORD}", times=0, nth=2)
    stream.emulator.fault("jobs.list", 400, code="DLI.0001", message=f"cannot list {PASSWORD}", times=0)
    stream.emulator.fault("tags.*", 400, code="DLI.0001", message=f"cannot tag {PASSWORD}", times=0)
    with pytest.raises(Failed) as failed:
        stream.up(entrypoint="obs://jars/b.jar", tags={"a": "b"})
    stream.emulator.clear_faults()
    others = {name: value for name, value in stream.outs.items() if name != "runtime_config"}
    text = str(failed.value) + json.dumps(others, ensure_ascii=False) + str(stream.entry.init_errors)
    assert PASSWORD not in text
    assert "[secret]" in text
