"""Both engines run the same phases: steps, counts, provider calls, outputs and state must be the same.

And each takes over the other's state with nothing to do. Where the CLI is not on PATH these tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .engines import PASSPHRASE, Cli, Embedded, Json, Yard, toy

pytestmark = [pytest.mark.cli, pytest.mark.slow, pytest.mark.timeout(900)]  # up to two minutes where nothing else runs
Pair = Callable[[], tuple[Embedded, Cli]]


class Phase:
    """One plan and one operation; `races` says that which sibling comes first is up to chance."""

    def __init__(
        self, *resources: Json, do: str = "up", before: Callable[[Yard], None] | None = None, **more: Any
    ) -> None:
        self.run_options = {
            key: more.pop(key) for key in ("refresh", "preview_only", "expect_no_changes") if key in more
        }
        self.resources = resources
        self.do = do
        self.before = before
        self.more = more


def lost(*ids: str) -> Callable[[Yard], None]:
    return lambda yard: [yard.object_path(id_).unlink() for id_ in ids] and None


def drifted(id_: str, old: str, new: str) -> Callable[[Yard], None]:
    def change(yard: Yard) -> None:
        path = yard.object_path(id_)
        path.write_text(path.read_text().replace(old, new))

    return change


A, B = toy("a", size=1), toy("b", ref={"$ref": "a.id"})
PROVIDER = {"name": "west", "kind": "Provider", "props": {"toy:region": "west", "toy:key": {"$secret": "k"}}}

STORIES: dict[str, list[Phase]] = {
    "a full life": [
        Phase(A, B, do="preview", outputs={"a": {"$ref": "a.made"}}),
        Phase(A, B, outputs={"a": {"$ref": "a.made"}, "s": {"$secret": {"x": 1}}}),
        Phase(A, B, outputs={"a": {"$ref": "a.made"}}),
        Phase(toy("a", size=2), B, do="preview"),
        Phase(toy("a", size=2), B),
        Phase(toy("a", size=2), do="preview"),
        Phase(toy("a", size=2)),
        Phase(do="destroy"),
    ],
    "replacements of both orders": [
        Phase(toy("a", force=1), toy("b", force={"$ref": "a.id"}), toy("c", force={"$ref": "b.id"})),
        Phase(toy("a", force=2), toy("b", force={"$ref": "a.id"}), toy("c", force={"$ref": "b.id"}), do="preview"),
        Phase(toy("a", force=2), toy("b", force={"$ref": "a.id"}), toy("c", force={"$ref": "b.id"})),
        Phase(toy("a", force=2), toy("c", force=3, dbr=True), do="preview"),
        Phase(toy("a", force=2), toy("c", force=3, dbr=True, fail=["create-early"])),
        Phase(toy("a", force=2), toy("c", force=3, dbr=True), do="preview"),
        Phase(toy("a", force=2), toy("c", force=3, dbr=True)),
        Phase(toy("a", {"delete_before_replace": False}, force=4, dbr=True), toy("c", force=3, dbr=True)),
        Phase(toy("a", force=4), toy("c", force=5, dbr=True, fail=["create-early"])),
        Phase(toy("a", force=4)),
    ],
    "options": [
        Phase(
            toy("p", {"protect": True}, size=1),
            toy("i", {"ignore_changes": ["tags", "list"]}, tags={"x": 1, "y": 1}, list=[1, 2, 3]),
            toy("r", {"replace_on_changes": ["tags"]}, tags={"x": 1, "y": 1}),
            toy("k", {"retain_on_delete": True}),
            toy("s", token={"$secret": "t"}, list=[{"$secret": 1}, 2]),
            toy("d", {"depends_on": ["p"]}),
        ),
        Phase(
            toy("p", {"protect": True}, force=1),
            toy("i", {"ignore_changes": ["tags", "list"]}, tags={"x": 2, "y": 1}, list=[1, 5, 3], size=1),
            toy("r", {"replace_on_changes": ["tags"]}, tags={"x": 1, "y": 1}, size=1),
            toy("s", token={"$secret": "t"}, list=[{"$secret": 1}, 2]),
            do="preview",
        ),
        Phase(
            toy("p", {"protect": False}, size=1),
            toy("i", {"ignore_changes": ["tags"]}, tags={"x": 2, "y": 2}, list=[1, 5, 4]),
            toy("r", {"replace_on_changes": ["tags"]}, tags={"x": 2, "y": 2}),
            toy("s", token={"$secret": "u"}, list=[1, 2]),
        ),
        Phase(toy("p", {"protect": True}, size=1)),
        Phase(do="destroy"),
        Phase(toy("p", size=1)),
        Phase(do="destroy"),
    ],
    "aliases": [
        Phase(toy("a"), toy("b"), toy("c", ref={"$ref": "a.id"})),
        Phase(
            toy("x", {"aliases": [{"name": "a"}]}),
            toy("b", {"aliases": [{"type_": "pulumi-python:dynamic/toy:Toy"}]}, kind="Other"),
            toy("c", ref={"$ref": "x.id"}),
            do="preview",
        ),
        Phase(
            toy("x", {"aliases": [{"name": "a"}]}),
            toy("b", {"aliases": [{"type_": "pulumi-python:dynamic/toy:Toy"}]}, kind="Other"),
            toy("c", ref={"$ref": "x.id"}),
        ),
        Phase(do="destroy"),
    ],
    "explicit providers": [
        Phase(PROVIDER, toy("a", {"provider": "west"}), toy("b"), do="preview"),
        Phase(PROVIDER, toy("a", {"provider": "west"}), toy("b")),
        Phase({**PROVIDER, "props": {"toy:region": "north"}}, toy("a", {"provider": "west"}, size=1), toy("b")),
        Phase(do="refresh"),
        Phase(PROVIDER, toy("a", {"provider": "west"}, size=1), toy("b", {"provider": "west"}), do="preview"),
        Phase(PROVIDER, toy("a", {"provider": "west"}, size=1), toy("b", {"provider": "west"})),
        Phase(do="destroy"),
    ],
    "half-made": [
        Phase(toy("a", half=["create"])),
        Phase(toy("a", half=["create"], answer="same"), do="preview"),
        Phase(toy("a", half=["update"], answer="same")),
        Phase(toy("a", half=["read"])),
        Phase(do="refresh"),
        Phase(toy("a"), do="preview"),
        Phase(toy("a")),
        Phase(toy("a", fail=["update-early"])),
        Phase(toy("a", fail=["delete"])),
        Phase(do="destroy"),
    ],
    "drift": [
        Phase(A, B),
        Phase(do="refresh"),
        Phase(before=drifted("a-0", '"size": 1', '"size": 7'), do="refresh", preview_only=True),
        Phase(do="refresh"),
        Phase(A, B, do="preview"),
        Phase(A, B),
        Phase(A, B, before=drifted("a-0", '"size": 1', '"size": 8'), do="preview", refresh=True),
        Phase(A, B, refresh=True),
        Phase(before=lost("a-0"), do="refresh"),
        Phase(A, B),
        Phase(A, B, before=lost("b-0"), refresh=True),
        Phase(do="destroy"),
    ],
    "failures": [
        Phase(toy("a", size=-1)),
        Phase(toy("a", fail=["create"])),
        Phase(A, toy("b", fail=["create-early"], ref={"$ref": "a.id"}), outputs={"a": {"$ref": "a.id"}}),
        Phase(A, **{"raise": "on purpose"}),
        Phase(A, B, do="preview"),
        Phase(A, B),
        Phase(do="destroy"),
    ],
    "ignored changes": [
        Phase(
            toy("a", {"ignore_changes": ["size", "tags"]}, force=1, size=1),
            toy("c", {"ignore_changes": ["tags", "list", "map"]}, list=[1], map={}),
        ),
        Phase(
            toy("a", {"ignore_changes": ["size", "tags"]}, force=1, size=2, tags={"x": 1, "y": 1}),
            toy("c", {"ignore_changes": ["tags", "list"]}, list=[1, 2, 3], map={"deep": {"x": 1}}),
        ),
        Phase(
            toy("a", {"ignore_changes": ["size", "tags"]}, force=2, dbr=True, size=3, tags={"x": 1}),
            toy("c", {"ignore_changes": ["tags"]}, force=1, tags={"x": 1}),
        ),
    ],
    "gates": [
        Phase(A),
        Phase(A, do="preview", expect_no_changes=True),
        Phase(toy("a", size=2), do="preview", expect_no_changes=True),
        Phase(toy("a", size=2), expect_no_changes=True),
        Phase(toy("a", size=2), expect_no_changes=True),
    ],
}


def calls_by_name(yard: Yard) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for call in yard.calls():
        found.setdefault(call["name"], []).append({key: item for key, item in call.items() if key != "pid"})
    return found


def differences(ours: list[Json], theirs: list[Json]) -> list[str]:
    """Field by field, readable when a test fails."""
    if [record["urn"] for record in ours] != [record["urn"] for record in theirs]:
        return [str([record["urn"] for record in side]) for side in (ours, theirs)]
    return [
        f"{mine['urn']} {key}: {mine.get(key)!r} != {other.get(key)!r}"
        for mine, other in zip(ours, theirs, strict=True)
        for key in mine.keys() | other.keys()
        if mine.get(key) != other.get(key)
    ]


def run_phase(yard: Embedded | Cli, phase: Phase) -> Any:
    yard.plan(*phase.resources, **phase.more)
    if phase.before:
        phase.before(yard)
    return yard.run(phase.do, **phase.run_options)


@pytest.mark.parametrize("story", STORIES)
def test_both_engines_do_the_same(pair: Pair, story: str) -> None:
    yards = pair()
    for yard in yards:
        yard.set_config("region", "east")
        yard.set_config("secret", "hush", secret=True)
    for number, phase in enumerate(STORIES[story]):
        ours, theirs = (run_phase(yard, phase) for yard in yards)
        where = f"phase {number}: {phase.do}\n{ours.text}\n{theirs.text}"
        assert ours.failed == theirs.failed, where
        assert ours.steps == theirs.steps, where
        assert calls_by_name(yards[0]) == calls_by_name(yards[1]), where
        assert not differences(yards[0].state(), yards[1].state()), where
        assert yards[0].outputs() == yards[1].outputs(), where
        if not ours.failed:
            assert ours.changes == theirs.changes, where


@pytest.mark.parametrize("story", ["a full life", "replacements of both orders", "options", "explicit providers"])
@pytest.mark.parametrize("first", [0, 1], ids=["embedded first", "CLI first"])
def test_the_engines_take_turns_on_one_stack(pair: Pair, story: str, first: int) -> None:
    _, cli = pair()
    ours = Embedded(cli.home.parent, "same", shared=cli)
    turns: list[Embedded | Cli] = [ours, cli]
    turns[first].set_config("region", "east")
    turns[1 - first].set_config("secret", "hush", secret=True)
    for number, phase in enumerate(STORIES[story]):
        done = run_phase(turns[(first + number) % 2], phase)
        if phase.do == "up" and not done.failed:
            for yard in turns:
                again = yard.run("preview")
                assert set(again.changes) <= {"same"}, f"phase {number}, {yard.kind}:\n{done.text}\n{again.text}"


def test_the_cli_reads_config_outputs_and_state_of_the_embedded_engine(pair: Pair) -> None:
    _, cli = pair()
    ours = Embedded(cli.home.parent, "same", shared=cli)
    ours.plan(A, outputs={"secret": {"$secret": "s"}, "id": {"$ref": "a.id"}})
    ours.set_config("region", "east")
    ours.set_config("token", "hush", secret=True)
    ours.run("up")
    assert cli.pulumi("config", "get", "-s", "dev", "token").stdout.strip() == "hush"
    assert '"hush"' in cli.pulumi("config", "-s", "dev", "--show-secrets", "--json").stdout
    assert '"secret": "s"' in cli.pulumi("stack", "output", "-s", "dev", "--show-secrets", "--json").stdout
    assert PASSPHRASE not in cli.pulumi("stack", "export", "-s", "dev").stdout


def test_each_engine_respects_the_lock_of_the_other(pair: Pair) -> None:
    _, cli = pair()
    ours = Embedded(cli.home.parent, "same", shared=cli)
    cli.select()
    with ours.store().lock(print):
        refused = cli.pulumi("up", "-s", "dev", "--yes", check=False)
        assert refused.returncode != 0
        assert "currently locked" in refused.stdout + refused.stderr
        assert "currently locked" in ours.run("up").text


VALUES = [
    "yes",
    "on",
    "1:30",
    "3.11.7",
    "127.0.0.1",
    "48cc2c",
    "true",
    "false",
    "0",
    "-12",
    "a b",
    "'1e10'",
]


def test_both_engines_read_the_same_configuration(pair: Pair) -> None:
    yards = pair()
    lines = "".join(f"  toy:k{number}: {text}\n" for number, text in enumerate(VALUES))
    outputs = {f"k{number}": {"$config": f"k{number}"} for number in range(len(VALUES))}
    for yard in yards:
        yard.set_config("token", "hush", secret=True)
        file = yard.project / "Pulumi.dev.yaml"
        file.write_text(file.read_text().replace("config:\n", f"config:\n{lines}"))
        yard.plan(outputs=outputs)
        assert not yard.run("up").failed
    assert yards[0].outputs() == yards[1].outputs()


def test_a_preview_as_json_has_the_same_steps(pair: Pair) -> None:
    yards = pair()
    digests = []
    for yard in yards:
        yard.set_config("region", "east")
        yard.plan(toy("a", size=1, token={"$secret": "t"}), toy("b", force={"$ref": "a.id"}), toy("c"))
        yard.run("up")
        yard.plan(toy("a", size=2, token={"$secret": "t"}), toy("b", force=3), toy("d"))
        digests.append(json.loads(yard.preview_json()))
    ours, theirs = (
        {
            step["urn"]: {key: step.get(key) for key in ("op", "diffReasons", "replaceReasons", "detailedDiff")}
            for step in found["steps"]
        }
        for found in digests
    )
    assert ours == theirs
    assert digests[0]["changeSummary"] == digests[1]["changeSummary"]
    for step, other in zip(*(sorted(found["steps"], key=lambda item: item["urn"]) for found in digests), strict=True):
        for side in ("oldState", "newState"):
            assert (side in step) == (side in other)
            assert step.get(side, {}).get("inputs") == other.get(side, {}).get("inputs")


def test_the_cli_refuses_the_same_names_and_imports(pair: Pair) -> None:
    _, cli = pair()
    assert cli.pulumi("stack", "init", "../../evil", check=False).returncode != 0
    cli.plan(A)
    cli.run("up")
    (cli.home / "state.json").write_text(cli.pulumi("stack", "export", "-s", "dev").stdout)
    cli.pulumi("stack", "init", "other")
    refused = cli.pulumi("stack", "import", "-s", "other", "--file", str(cli.home / "state.json"), check=False)
    assert "is from a different stack" in refused.stdout + refused.stderr
