"""Values on their way into and out of Pulumi's state, masks, and which passing lines are shown."""

from __future__ import annotations

import threading
import uuid
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown

from pulumi_dli.host import UnstorableError, integers, is_unknown, sanitise
from pulumi_dli.host.messages import FIRST_PROGRESS_SECONDS, PROGRESS_INTERVAL_SECONDS, Throttle


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (-(2**60), str(-(2**60))),
        (Decimal("16"), 16),
        (Decimal("0.1"), 0.1),
        (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        (Decimal("NaN"), "NaN"),
        (float("inf"), "inf"),
        (True, True),
        (frozenset({3, 1}), [1, 3]),
        (PurePosixPath("a/b"), "a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=str,
)
def test_a_value_is_stored_without_losing_a_digit(value: object, stored: object) -> None:
    plain = sanitise({"x": value})["x"]
    assert (plain, type(plain)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("outs", "named"),
    [
        ({"a": {"b": [b"raw"]}}, r"output a\.b\[0\]: a value of type bytes"),
        ({"a": object()}, "output a: a value of type object"),
        ({"a": {(1, 2): 3}}, "a: a key of type tuple"),
        ({"a": {b"x"}, "c": lambda: None}, "output a: .*bytes.*; output c: .*function"),
    ],
)
def test_a_value_without_a_plain_form_is_refused_by_its_key_and_never_quoted(outs: dict, named: str) -> None:
    with pytest.raises(UnstorableError, match=named) as refused:
        sanitise(outs)
    assert "raw" not in str(refused.value)


def test_names_without_a_value_are_left_out_at_the_top_only() -> None:
    assert sanitise({"a": None, "b": {"c": None}}) == {"b": {"c": None}}


def test_sanitising_copies() -> None:
    outs = {"a": [1]}
    sanitise(outs)["a"].append(2)
    assert outs == {"a": [1]}


def test_unknowns_pass_through_both_ways() -> None:
    unknown = Unknown()
    assert sanitise({"a": [unknown]})["a"][0] is unknown
    assert integers({"a": (unknown, 1.0)}) == {"a": (unknown, 1)}


@pytest.mark.parametrize("value", [0.5, float("inf"), 1e300, True, "1.0", None])
def test_what_is_not_a_whole_float_stays_as_it_is(value: object) -> None:
    assert integers(value) is value


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_like)
def test_whole_numbers_survive_the_way_through_floats(value: object) -> None:
    def as_sent(item: object) -> object:
        if isinstance(item, dict):
            return {key: as_sent(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [as_sent(inner) for inner in item]
        return float(item) if isinstance(item, int) and not isinstance(item, bool) else item

    assert repr(integers(as_sent(value))) == repr(value)


def test_an_unknown_is_found_wherever_it_hides() -> None:
    assert is_unknown(Unknown())
    assert is_unknown({"a": [{"b": Unknown()}]})
    assert is_unknown((1, [Unknown()]))
    assert not is_unknown({"a": [1, "x", None], "b": ()})


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.seconds += seconds
        return event.is_set()


def test_passing_lines_begin_after_two_seconds_and_come_every_ten() -> None:
    clock = _Clock()
    throttle = Throttle(clock)
    shown = []
    for second in range(24):
        clock.seconds = float(second)
        if throttle.admits(f"{second} s"):
            shown.append(second)
    assert shown == [
        FIRST_PROGRESS_SECONDS,
        FIRST_PROGRESS_SECONDS + PROGRESS_INTERVAL_SECONDS,
        FIRST_PROGRESS_SECONDS + 2 * PROGRESS_INTERVAL_SECONDS,
    ]


def test_the_same_passing_line_is_not_shown_twice_running() -> None:
    clock = _Clock()
    throttle = Throttle(clock)
    clock.seconds = 5
    assert throttle.admits("starting")
    clock.seconds = 50
    assert not throttle.admits("starting")
    assert throttle.admits("running")
