"""What the engine is told when a provider method fails: clean texts, half-made results, and always an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.dynamic_host import DynamicHost, HostError, provider_string
from tests.host.toys import Toy

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dli:Toy::t"
CANARY = "canary/secret+1"


@pytest.fixture(scope="module")
def host() -> Iterator[DynamicHost]:
    with DynamicHost(config={"dli:secretKey": CANARY}, env={"PULUMI_DLI_DEBUG": None}) as running:
        yield running


def test_an_error_of_ours_is_shown_as_its_own_text(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.create(Toy, URN, {"do": "fail", "text": "line one\nline two"})
    assert failed.value.clean
    assert failed.value.message == "line one\nline two"
    assert failed.value.half_done is None


def test_causes_of_an_error_are_not_printed_even_in_the_text_that_nobody_should_see(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.create(Toy, URN, {"do": "fail"})
    assert "cause-of-it" not in failed.value.raw


CALLS: dict[str, Callable[[DynamicHost], object]] = {
    "check": lambda host: host.check(Toy, URN, {"do": "fail", "in": "check"}),
    "diff": lambda host: host.diff(Toy, URN, "7", {}, {}),
    "create": lambda host: host.create(Toy, URN, {"do": "fail"}),
    "read": lambda host: host.read(Toy, URN, "7", {"do": "fail"}),
    "update": lambda host: host.update(Toy, URN, "7", {}, {"do": "fail"}),
    "delete": lambda host: host.delete(Toy, URN, "7", {"do": "fail"}),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_that_fails_is_answered_with_a_clean_text(host: DynamicHost, call: str) -> None:
    with pytest.raises(
        HostError, match=r"^(dli:region is not set|internal error in pulumi_dli: KeyError.*)$"
    ) as failed:
        CALLS[call](host)
    assert failed.value.clean


def test_an_error_in_configure_is_clean_too() -> None:
    with DynamicHost(config={"toy:broken": "yes"}) as broken, pytest.raises(HostError) as failed:
        broken.create(Toy, URN, {"do": "see"})
    assert failed.value.clean
    assert failed.value.message == "dli:region is not set"


def test_a_mistake_of_ours_is_one_line_that_says_where_and_quotes_no_input(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.create(Toy, URN, {"do": "crash", "text": "hush"})
    assert failed.value.message.startswith("internal error in pulumi_dli: KeyError at host/toys.py:")
    assert "please report" in failed.value.message
    assert "\n" not in failed.value.message
    assert "value-of-an-input" not in failed.value.message + failed.value.raw


def test_the_way_to_a_mistake_goes_to_the_debug_log_without_quoting_values(host: DynamicHost) -> None:
    urn = URN + "-debug"
    with pytest.raises(HostError):
        host.create(Toy, urn, {"do": "crash", "text": CANARY})
    [trace] = host.logged(urn, "debug")
    assert trace.startswith("KeyError\n")
    assert "toys.py" in trace
    assert "value-of-an-input" not in trace


def test_the_traceback_is_shown_to_those_who_ask_for_it() -> None:
    with DynamicHost(env={"PULUMI_DLI_DEBUG": "1"}) as talkative, pytest.raises(HostError) as failed:
        talkative.create(Toy, URN, {"do": "fail"})
    assert failed.value.message.startswith("dli:region is not set\n")
    assert "cause-of-it" in failed.value.message


@pytest.mark.parametrize(
    ("do", "named"), [("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt"), ("stop", "Stop")]
)
def test_what_is_no_exception_is_answered_instead_of_hanging_for_ever(host: DynamicHost, do: str, named: str) -> None:
    with pytest.raises(HostError, match=f"internal error in pulumi_dli: {named}") as failed:
        host.create(Toy, URN, {"do": do})
    assert failed.value.clean
    assert host.create(Toy, URN, {"do": "see"}).id == "7"


def test_a_half_made_create_keeps_id_and_outputs(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.create(Toy, URN, {"do": "half"})
    kept = failed.value.half_done
    assert kept is not None  # with its __provider, or the driver had refused it
    assert kept.id == "42"
    assert kept.outs == {"name": "n", "status": "job_init", "size": 7}
    assert kept.reasons == ("it is slow", "very")
    assert kept.inputs is None


def test_a_half_made_update_keeps_outputs(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.update(Toy, URN, "42", {"do": "see", "__provider": "of an older version"}, {"do": "half"})
    assert failed.value.half_done is not None
    assert failed.value.half_done.outs["status"] == "job_init"
    assert failed.value.half_done.provider == provider_string(Toy)


def test_what_a_half_done_delete_or_check_means_is_only_its_text(host: DynamicHost) -> None:
    with pytest.raises(HostError) as deleted:
        host.delete(Toy, URN, "42", {"do": "half"})
    with pytest.raises(HostError) as checked:
        host.check(Toy, URN, {"do": "half", "in": "check"})
    assert [(error.value.message, error.value.half_done) for error in (deleted, checked)] == [
        ("it is slow; very", None)
    ] * 2


def test_an_unhealthy_read_keeps_what_was_found_with_its_inputs(host: DynamicHost) -> None:
    with pytest.raises(HostError) as failed:
        host.read(Toy, URN, "9", {"do": "ill"})
    kept = failed.value.half_done
    assert kept is not None
    assert (kept.id, kept.outs, kept.inputs) == ("9", {"do": "ill", "cu": 16}, {"cu": 16})
    assert kept.reasons == ("it has stopped",)


def test_a_healthy_read_and_a_read_of_what_is_gone_pass_through(host: DynamicHost) -> None:
    assert host.read(Toy, URN, "9", {"do": "see"}).inputs == {"cu": 16}
    assert host.read(Toy, URN, "9", {"do": "gone"}).id == ""


def test_outputs_that_pulumi_cannot_store_are_made_plain(host: DynamicHost) -> None:
    assert host.create(Toy, URN, {"do": "odd"}).outs == {
        "pair": [1, 2],
        "shade": "dark",
        "when": "2026-01-02T00:00:00+00:00",
        "names": ["a", "b"],
        "price": 0.1,
        "big": str(2**60),
        "nested": {"nothing": None, "5": "dark"},
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda host: host.create(Toy, URN, {"do": "bytes"}),
        lambda host: host.update(Toy, URN, "7", {}, {"do": "bytes"}),
    ],
    ids=["create", "update"],
)
def test_an_output_without_a_plain_form_does_not_lose_what_was_made(
    host: DynamicHost, make: Callable[[DynamicHost], object]
) -> None:
    with pytest.raises(HostError, match=r"output raw\.key\[0\]: a value of type bytes") as failed:
        make(host)
    assert failed.value.half_done is not None
    assert (failed.value.half_done.id, failed.value.half_done.outs) == ("7", {"good": 1})


def test_credentials_of_the_configuration_never_reach_an_error(host: DynamicHost) -> None:
    quoted = "canary/secret%2B1"
    with pytest.raises(HostError) as failed:
        host.create(Toy, URN, {"do": "fail", "text": f"refused: {CANARY} at https://x/?k={quoted}"})
    assert failed.value.message == "refused: [secret] at https://x/?k=[secret]"
    assert CANARY not in failed.value.raw
