"""Values, paths and their comparison: the rules that plans are made by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dli.embedded.values import (
    SECRET,
    SIGNATURE,
    UNKNOWN,
    RefusedError,
    Secret,
    compare,
    decode,
    encode,
    keep_ignored,
    keep_seals,
    mark_secrets,
    path_text,
    plain,
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


def test_secrets_and_unknowns_cross_the_wire_only_where_they_are_taken() -> None:
    props = {"s": Secret({"x": 1}), "u": [UNKNOWN]}
    assert decode(encode(props, secrets=True)) == props
    assert decode(encode(props)) == {"s": {"x": 1}, "u": [UNKNOWN]}


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


def test_a_path_is_shown_as_it_is_written() -> None:
    assert path_text(("a", 0, "b")) == "a[0].b"


def test_ignored_properties_keep_the_old_value() -> None:
    new = {"a": 2, "b": 2, "c": 2}
    keep_ignored(["a", "b", "d"], {"a": 1, "d": 4}, new)
    assert new == {"a": 1, "c": 2, "d": 4}


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
