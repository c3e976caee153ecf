"""A preview names the parts of a nested input that differ, and never their values."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.lifecycle.differences import named


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, ["f.b"]),
        ({"a.b": "1"}, {"a.b": "1", "c": "s3cret"}, ["f.c"]),
        ({"a": "1"}, {}, ["f.a"]),
        ({"spec": {"cpu": 1}}, {"spec": {"cpu": 2}}, ["f.spec.cpu"]),
        (["g/a.jar", "g/b.jar"], ["g/a.jar", "g/c.jar"], ["f[1]"]),
        ([{"path": "g/a.jar", "digest": "1"}], [{"path": "g/a.jar", "digest": "2"}], ["f[0]"]),
        ({str(n): "1" for n in range(9)}, {str(n): "2" for n in range(9)}, ["f"]),
        ("x", "y", ["f"]),
        (None, {"a": "1"}, ["f"]),
        ({"a": "1"}, {"a": "1"}, ["f"]),
    ],
)
def test_the_parts_that_differ_are_named(old: Any, new: Any, told: list[str]) -> None:
    assert named("f", old, new) == told
