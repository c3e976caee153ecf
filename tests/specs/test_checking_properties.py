"""What holds for any inputs whatever: checking never fails by itself, settles at once, and comparing is fair."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_dli.specs.fields import Effect, Spec, changes, check
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.queue import QueueSpec

SPECS: list[type[Spec]] = [QueueSpec, PackageGroupSpec, FlinkJarJobSpec]

texts = st.one_of(st.text(max_size=12), st.sampled_from(["q1", "obs://b/a.jar", "g/a.jar", "running", "v2", "16", ""]))
numbers = st.one_of(st.integers(-5, 5000), st.floats(allow_nan=False, allow_infinity=False, width=32), st.booleans())
values = st.recursive(
    st.one_of(st.none(), texts, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def bags(spec: type[Spec]) -> Any:
    names = st.one_of(st.sampled_from(sorted(spec.model_fields)), st.text(min_size=1, max_size=5))
    return st.dictionaries(names, values, max_size=8)


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_inputs_are_answered_and_normal_inputs_stay_as_they_are(spec: type[Spec], data: st.DataObject) -> None:
    given_inputs = data.draw(bags(spec))
    inputs, failures = check(spec, given_inputs)
    for failure in failures:
        assert failure.field
        assert failure.reason
    if not failures:
        assert json.loads(json.dumps(inputs)) == inputs
        again, none = check(spec, inputs)
        assert (again, none) == (inputs, [])
        assert changes(spec, inputs, again) == ()
        assert spec.of({**inputs, "__provider": "x", "status": "y"}).inputs == inputs


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_comparison_names_exactly_the_fields_that_differ(spec: type[Spec], data: st.DataObject) -> None:
    olds, news = data.draw(bags(spec)), data.draw(bags(spec))
    found = {change.field for change in changes(spec, olds, news)}
    assert found == {name for name in spec.model_fields if olds.get(name) != news.get(name)}


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_an_unknown_value_never_replaces(spec: type[Spec], data: st.DataObject) -> None:
    fields = data.draw(st.sets(st.sampled_from(sorted(spec.model_fields))))
    found = changes(spec, data.draw(bags(spec)), {}, fields)
    assert fields <= {change.field for change in found}
    assert all(change.effect < Effect.REPLACE for change in found if change.unknown)
