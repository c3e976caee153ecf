"""A stack's life on the embedded engine alone: what it does, in which order, and what it leaves in the state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .engines import Embedded, Json, toy

pytestmark = pytest.mark.slow  # part of `make test-full`


def made_calls(yard: Embedded) -> list[str]:
    """Calls that touched objects, in order."""
    return [f"{call['call']} {call['name']}" for call in yard.calls() if call["call"] in ("create", "update", "delete")]


def test_a_stack_is_created_left_alone_updated_and_destroyed(yard: Embedded) -> None:
    toys = [toy("a", size=1), toy("b", ref={"$ref": "a.id"}, also=[{"deep": {"$ref": "a.made"}}])]
    outputs = {"made": {"$ref": "a.made"}, "hidden": {"$secret": "s"}}
    yard.plan(*toys, outputs=outputs, print="hello from the program")
    first = yard.run("up")
    assert not first.failed, first.text
    assert first.changes == {"create": 3}
    assert "hello from the program" in first.text
    assert "hidden: [secret]" in first.text
    assert made_calls(yard) == ["create a", "create b"]
    assert yard.outputs() == {"made": ("made-a", False), "hidden": ("s", True)}

    again = yard.run("up")
    assert again.changes == {"same": 3}
    assert made_calls(yard) == []

    yard.plan(toy("a", size=2), toys[1])
    assert yard.run("up").changes == {"update": 1, "same": 2}
    assert made_calls(yard) == ["update a"]

    assert yard.run("destroy").changes == {"delete": 3}
    assert made_calls(yard) == ["delete b", "delete a"]
    assert yard.objects() == set()
    assert [record["type"] for record in yard.state()] == []


def test_a_preview_touches_nothing_and_knows_what_will_be_unknown(yard: Embedded) -> None:
    yard.plan(toy("a", size=1), toy("b", ref={"$ref": "a.id"}), outputs={"id": {"$ref": "a.id"}})
    preview = yard.run("preview")
    assert preview.changes == {"create": 3}
    assert "id: [unknown]" in preview.text
    calls = yard.calls()
    assert {call["call"] for call in calls} == {"check"}
    assert {call["news"].get("ref") for call in calls} == {None, "<unknown>"}
    assert "resources" not in yard.deployment()


def test_replacements_follow_the_order_that_is_asked_for(yard: Embedded) -> None:
    def plan(force: int, *, first: bool) -> None:
        yard.plan(toy("a", force=force), toy("b", force={"$ref": "a.id"}), toy("c", dbr=first, force={"$ref": "b.id"}))

    plan(1, first=False)
    yard.run("up")
    yard.calls()
    plan(2, first=False)
    done = yard.run("up")
    assert done.changes == {"replace": 3, "same": 1}, done.text
    assert made_calls(yard) == ["create a", "create b", "create c", "delete c", "delete b", "delete a"]
    plan(3, first=True)
    assert yard.run("preview").ops("replace") == dict.fromkeys("abc", "replace")
    yard.calls()
    yard.run("up")
    assert made_calls(yard) == ["create a", "create b", "delete c", "create c", "delete b", "delete a"]


def test_a_failed_create_after_its_deletion_is_made_up_for(yard: Embedded) -> None:
    yard.plan(toy("a", force=1, dbr=True))
    yard.run("up")
    yard.plan(toy("a", force=2, dbr=True, fail=["create-early"]))
    assert yard.run("up").failed
    yard.calls()
    yard.plan(toy("a", force=2, dbr=True))
    assert yard.run("preview").ops("replace") == {"a": "replace"}
    yard.calls()
    assert not yard.run("up").failed
    assert made_calls(yard) == ["create a"]


def test_options_are_honoured(yard: Embedded) -> None:
    before = [
        toy("i", {"ignore_changes": ["tags"]}, tags={"x": 1, "y": 1}),
        toy("r", {"replace_on_changes": ["tags"]}, tags={"x": 1, "y": 1}),
        toy("k", {"retain_on_delete": True}),
        toy("s", token={"$secret": "canary"}),
    ]
    yard.plan(*before)
    assert not yard.run("up").failed
    assert "canary" not in yard.store().path.read_text()
    yard.plan(
        toy("i", {"ignore_changes": ["tags"]}, tags={"x": 2, "y": 1}),
        toy("r", {"replace_on_changes": ["tags"]}, tags={"x": 2, "y": 1}),
        toy("s", token={"$secret": "canary"}, size=1),
    )
    done = yard.run("up")
    assert done.changes == {"same": 2, "replace": 1, "update": 1, "delete": 1}, done.text
    assert "k-0" in yard.objects()


def test_a_protected_resource_is_neither_deleted_nor_replaced_and_spares_what_it_needs(yard: Embedded) -> None:
    yard.plan(toy("a"), toy("p", {"protect": True}, force=1, ref={"$ref": "a.id"}), toy("z"))
    yard.run("up")
    yard.plan(toy("a"), toy("p", {"protect": True}, force=2, ref={"$ref": "a.id"}), toy("z"))
    refused = yard.run("preview")
    assert refused.failed
    assert "unable to replace" in refused.errors()[0]
    yard.calls()
    refused = yard.run("destroy")
    assert refused.failed
    assert "it is protected" in refused.errors()[0]
    assert made_calls(yard) == ["delete z"]
    assert yard.objects() == {"a-0", "p-0"}


def test_aliases_keep_objects_through_new_names_and_types(yard: Embedded) -> None:
    yard.plan(toy("a"), toy("b"), toy("c", {"depends_on": ["a"]}))
    yard.run("up")
    yard.plan(
        toy("a", {"aliases": [{"type_": "pulumi-python:dynamic/toy:Toy"}]}, kind="Other"),
        toy("x", {"aliases": [{"name": "b"}]}),
        toy("c", {"depends_on": ["a", "x"]}, fail=["update-early"]),
    )
    yard.calls()
    assert yard.run("up").failed
    assert made_calls(yard) == ["update x", "update c"]
    assert {record["urn"].split("::")[-1] for record in yard.state()} == {"toy-dev", "a", "x", "c", "default"}


def test_a_half_made_resource_is_kept_and_the_next_up_goes_on_with_it(yard: Embedded) -> None:
    yard.plan(toy("a", half=["create"], answer="same"), toy("b", {"depends_on": ["a"]}))
    done = yard.run("up")
    assert done.failed
    assert done.errors() == ["1 error occurred:\n\t* create of a is not healthy yet"]
    state = next(state for state in yard.resources() if state.name == "a")
    assert (state.id, state.init_errors) == ("a-0", ["create of a is not healthy yet"])
    assert "pending_operations" not in yard.deployment()
    yard.calls()
    assert yard.run("preview").ops() == {"a": "update", "b": "create"}
    yard.run("up")
    assert made_calls(yard) == ["update a", "create b"]
    assert not any(state.init_errors for state in yard.resources())


def test_errors_are_the_providers_own_clean_words_and_the_rest_of_the_state_is_kept(yard: Embedded) -> None:
    bad = toy("b", fail=["create-early"], ref={"$ref": "a.id"})
    yard.plan(toy("a"), bad, outputs={"a": {"$ref": "a.id"}})
    done = yard.run("up")
    assert done.failed
    assert [message for message in done.messages if message[0] == "error"] == [
        ("error", "b", "create-early of b failed\non two lines")
    ]
    assert "Traceback" not in done.text
    assert [record["urn"].split("::")[-1] for record in yard.state()] == ["a", "default", "toy-dev"]
    assert "pending_operations" not in yard.deployment()


def test_a_failing_check_never_shows_a_secret(yard: Embedded) -> None:
    yard.plan(
        toy("a", size=-1, secret_size={"$secret": {"deep": "canary"}}, refuse=["secret_size", "secret_size.deep"])
    )
    done = yard.run("preview")
    assert "property secret_size value {[secret]} has a problem: refused" in done.text
    assert "property secret_size.deep value {[secret]} has a problem: refused" in done.text
    assert "canary" not in done.text


def test_a_traceback_begins_with_the_program(yard: Embedded) -> None:
    yard.plan(**{"raise": "on purpose"})
    text = "\n".join(yard.run("preview").errors())
    files = [line.split('"')[1] for line in text.splitlines() if line.lstrip().startswith("File ")]
    assert files == [str(yard.project / "__main__.py")]


def test_nothing_waits_for_standard_input(yard: Embedded) -> None:
    child = "subprocess.run(['cat'], check=True, capture_output=True).stdout"
    code = f"import sys, subprocess\nassert sys.stdin.read() == ''\nassert {child} == b''\n"
    program = yard.project / "__main__.py"
    program.write_text(code + program.read_text())
    yard.plan(toy("a", stdin=True))
    done = yard.run("up")
    assert not done.failed, done.text


def test_what_others_depend_on_is_not_deleted_before_its_replacement(yard: Embedded) -> None:
    yard.plan(toy("a", force=1, dbr=True), toy("b", ref={"$ref": "a.id"}))
    yard.run("up")
    yard.calls()
    yard.plan(toy("a", force=2, dbr=True), toy("b", ref={"$ref": "a.id"}))
    for what in ("preview", "up"):
        assert "where others depend on it" in "\n".join(yard.run(what).errors())
    assert made_calls(yard) == []


def test_a_failing_check_names_the_property(yard: Embedded) -> None:
    yard.plan(toy("a", size=-1))
    done = yard.run("preview")
    assert done.errors() == [
        "pulumi-python:dynamic/toy:Toy resource 'a': property size value {-1} has a problem: must not be negative"
    ]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"raise": "on purpose"}, "RuntimeError: on purpose"),
        ({"import": True}, "the embedded engine does not support `import_`"),
        ({"resources": [toy("a", {"id": "x"})]}, "does not support resources that are only read"),
        ({"resources": [toy("a", {"hide_diffs": ["size"]})]}, "does not support `hide_diffs`"),
        ({"resources": [toy("a", {"version": "1.2.3"})]}, "does not support `version`"),
        ({"resources": [toy("a", {"ignore_changes": ["list[*].x"]})]}, "support paths below a property in `ignore"),
        ({"resources": [toy("a", {"replace_on_changes": ["#initerror"]})]}, "a property in `replace_on_changes`"),
        ({"resources": [toy("a", {"custom_timeouts": {"create": "abc"}})]}, "does not support `custom_timeouts`"),
        ({"resources": [toy("a", {"additional_secret_outputs": ["x"]})]}, "support `additional_secret_outputs`"),
        ({"resources": [toy("a"), toy("b", {"deleted_with": "a"})]}, "does not support `deleted_with`"),
        ({"resources": [toy("a"), toy("b", ref={"$ref": "a"})]}, "does not support resources as values"),
        ({"resources": [toy("a", {"aliases": [{"stack": "s"}]})]}, "does not support aliases with another parent"),
        ({"resources": [{"name": "box", "kind": "Box"}]}, "the embedded engine does not support"),
        ({"resources": [toy("a"), toy("b", {"parent": "a"})]}, "the embedded engine does not support"),
        ({"resources": [toy("a", size={"$float": "nan"})]}, "does not support NaN and Infinity"),
        ({"resources": [toy("a", list=[{"$float": "inf"}])]}, "does not support NaN and Infinity"),
        ({"transform": True}, "the embedded engine does not support stack transforms"),
    ],
)
def test_a_program_that_fails_or_asks_too_much_deletes_nothing(yard: Embedded, plan: Json, words: str) -> None:
    plan = dict(plan)
    yard.plan(toy("a"), toy("b"))
    yard.run("up")
    before = yard.store().path.read_text()
    yard.plan(*(plan.pop("resources", None) or [toy("a")]), **plan)
    done = yard.run("up")
    assert done.failed
    assert json.loads(before)["checkpoint"]["latest"].keys() == yard.deployment().keys()
    assert words in "\n".join(done.errors())
    assert yard.objects() == {"a-0", "b-0"}


def test_two_resources_of_one_name_are_an_error(yard: Embedded) -> None:
    yard.plan(toy("a"), toy("a"))
    done = yard.run("preview")
    assert done.failed
    assert done.errors()[0].startswith("Duplicate resource URN")


def test_drift_is_seen_by_refresh_and_repaired_by_up(yard: Embedded) -> None:
    yard.plan(toy("a", size=1), toy("b", ref={"$ref": "a.id"}))
    yard.run("up")
    assert yard.run("refresh", expect_no_changes=True).changes == {"same": 3}
    path = yard.object_path("a-0")
    path.write_text(path.read_text().replace('"size": 1.0', '"size": 7'))
    assert yard.run("refresh", preview_only=True, expect_no_changes=True).failed
    preview = yard.run("preview", refresh=True)
    assert ("refresh", "a") in preview.steps
    assert ("update", "a") in preview.steps
    assert "has drifted [diff: ~size]" in preview.text
    yard.calls()
    assert yard.run("up", refresh=True).ops("update") == {"a": "update"}
    calls = yard.calls()
    assert len({call["pid"] for call in calls}) == 1, "one host serves reads and updates"
    path.rename(path.with_suffix(".json.gone"))
    assert yard.run("refresh").changes == {"same": 2, "delete": 1}
    assert yard.run("up").changes == {"create": 1, "update": 1, "same": 1}


def test_explicit_providers_have_their_own_process_and_configuration(yard: Embedded) -> None:
    west: Json = {"name": "west", "kind": "Provider", "props": {"toy:region": "west", "toy:key": {"$secret": "canary"}}}
    yard.set_config("region", "east")
    yard.plan(west, toy("a", {"provider": "west"}), toy("b"), outputs={"r": {"$ref": "a.region"}})
    assert not yard.run("preview").failed
    yard.calls()
    yard.run("up")
    assert yard.outputs() == {"r": ("west", False)}
    assert len({call["pid"] for call in yard.calls()}) == 2
    assert "canary" not in yard.store().path.read_text()
    yard.plan({**west, "props": {"toy:region": "north"}}, toy("a", {"provider": "west"}, size=1), toy("b"))
    assert yard.run("up").changes == {"update": 2, "same": 2}
    assert [state.outputs["region"] for state in yard.resources() if state.name == "a"] == ["north"]
    assert not yard.run("refresh").failed
    assert yard.run("destroy").changes == {"delete": 4}


def test_messages_of_a_provider_reach_their_resource_while_it_works(yard: Embedded) -> None:
    yard.plan(toy("a", say="half way", print="something"))
    events: list[Any] = []
    stack = yard.stack()
    result = stack.up(on_event=events.append)
    urn = result.steps[-1]["urn"]
    told = [(item.severity, item.urn == urn, item.message) for item in result.diagnostics]
    assert told == [("info", True, "half way"), ("warning", True, "careful with a")]
    kinds = [event["kind"] for event in events]
    assert kinds.index("diagnostic") < len(kinds) - 1 - kinds[::-1].index("step"), "told before the step ended"
    assert "a says: something" in result.stdout
    assert "a: warning: careful with a" in result.stdout
