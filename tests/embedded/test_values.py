"""Values, paths and their comparison: the rules that plans are made by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dli.embedded.goal import make_urn, seconds
from pulumi_dli.embedded.values import (
    SECRET,
    SIGNATURE,
    UNKNOWN,
    Reference,
    RefusedError,
    Secret,
    compare,
    covers,
    decode,
    encode,
    keep_seals,
    mark_secrets,
    parse_path,
    path_text,
    plain,
    reset,
    special,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=8,
)
PROPS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@given(PROPS)
def test_values_survive_the_wire(props: dict[str, Any]) -> None:
    assert decode(encode(props)) == props
    assert decode(encode(props, secrets=True)) == props


@given(PROPS, PROPS)
def test_values_differ_exactly_when_something_is_found(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not compare(old, old)
    assert {path for path, _ in compare(old, new).items()} == set(compare(new, old))


def test_secrets_references_and_unknowns_cross_the_wire_only_where_they_are_taken() -> None:
    props = {"s": Secret({"x": 1}), "r": Reference("urn:r", "id"), "c": Reference("urn:c"), "u": [UNKNOWN]}
    assert decode(encode(props, secrets=True)) == props
    assert decode(encode(props)) == {"s": {"x": 1}, "r": "id", "c": "urn:c", "u": [UNKNOWN]}


def test_assets_are_refused_by_name() -> None:
    with pytest.raises(RefusedError, match="assets"):
        special({SIGNATURE: "c44067f5952c0a294b673a41bacd8c17"})
    assert special({SIGNATURE: SECRET, "value": 1}) == Secret(1)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": True}, {("a",): "update"}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": None}, {}, {}),
        ({"a": {"b": None}}, {"a": {}}, {}),
        ({"a": [1, 2]}, {"a": [1]}, {("a", 1): "delete"}),
        ({"a": [1]}, {"a": [2, 3]}, {("a", 0): "update", ("a", 1): "add"}),
        ({"a": Secret(1)}, {"a": 1}, {}),
        ({"a": 1}, {"a": UNKNOWN}, {("a",): "update"}),
        ({"a": {"x": 1}}, {"a": "x"}, {("a",): "update"}),
    ],
)
def test_comparison(old: Any, new: Any, found: Any) -> None:
    assert compare(old, new) == found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('a["b.c"].d', ("a", "b.c", "d")),
        ("a.*", ("a", "*")),
        ("a[*].b", ("a", "*", "b")),
    ],
)
def test_paths_are_read_as_pulumi_writes_them(text: str, path: Any) -> None:
    assert parse_path(text) == path
    assert covers(path, (*path, "below"))
    assert not covers((*path, "below"), path)


def test_a_path_is_shown_as_it_is_written() -> None:
    assert path_text(("a", 0, "b")) == "a[0].b"


@pytest.mark.parametrize(
    ("path", "old", "new", "left"),
    [
        ("a", {"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}),
        ("a", {}, {"a": 2}, {}),
        ("a", {"a": 1}, {}, {"a": 1}),
        ("a.b", {"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 1, "c": 3}}),
        ("a[1]", {"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ("a.b", {"a": 1}, {"a": {"b": 2}}, {"a": {}}),
        ("a.b", {}, {"a": {"b": 2, "c": 3}}, {"a": {"c": 3}}),
        ("a.b", {"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ("a[0].b", {"a": [{"b": 1}]}, {"a": [{"b": 2}, {"b": 3}]}, {"a": [{"b": 1}, {"b": 3}]}),
        ("a.b", {"a": Secret({"b": 1})}, {"a": {"b": 2}}, {"a": {"b": Secret(1)}}),
    ],
)
def test_ignored_paths_take_the_old_value(path: str, old: Any, new: Any, left: Any) -> None:
    reset(parse_path(path), old, new)
    assert new == left


def test_outputs_are_secret_where_their_inputs_were() -> None:
    outs: dict[str, Any] = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 3}
    mark_secrets(outs, {"a": {"x": Secret(1)}, "b": [Secret(1), 2], "d": Secret(4)})
    assert outs == {"a": {"x": Secret(1), "y": 2}, "b": Secret([1, 2]), "c": 3}
    assert plain(outs, mask=True) == {"a": {"x": "[secret]", "y": 2}, "b": "[secret]", "c": 3}


def test_an_unchanged_secret_keeps_its_ciphertext() -> None:
    new = {"a": Secret(1), "b": Secret(2)}
    keep_seals(new, {"a": Secret(1, "sealed"), "b": Secret(3, "other")})
    assert new["a"].sealed == "sealed"
    assert new["b"].sealed is None


def test_urns_carry_the_types_of_the_parents_but_the_stack() -> None:
    stack = make_urn("dev", "p", "", "pulumi:pulumi:Stack", "p-dev")
    box = make_urn("dev", "p", stack, "my:Box", "box")
    assert box == "urn:pulumi:dev::p::my:Box::box"
    assert make_urn("dev", "p", box, "my:Toy", "t") == "urn:pulumi:dev::p::my:Box$my:Toy::t"


@pytest.mark.parametrize(("text", "found"), [("7m", 420), ("1h30m", 5400), ("1.5s", 1.5), ("100ms", 0.1), ("", 0)])
def test_durations_are_read_as_go_writes_them(text: str, found: float) -> None:
    assert seconds(text) == pytest.approx(found)
