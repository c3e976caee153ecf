"""What a step does to a stream. Decided from the line that the provider said about the resource in the preview; for
a delete, about which Pulumi asks no provider, from the outputs in the state. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pulumi_dli.summary.previews import Message, Preview, Step, known


class Verdict(StrEnum):
    """What happens to a resource, the most dangerous first. The values are the words of `--fail-on`."""

    STATE_DROPPED = "state-dropped"
    DELETED = "deleted"
    REPLACED = "replaced"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    DRIFTED = "drifted"
    RESTARTED = "restarted"
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"

    @property
    def rank(self) -> int:
        """Its place: smaller is more dangerous."""
        return list(Verdict).index(self)


_LINES: tuple[tuple[str, Verdict], ...] = (
    # The first that fits a line, without the fields in brackets, decides.
    (r"state (is|would be) (dropped|lost)", Verdict.STATE_DROPPED),
    (r"^starts? without (its )?state", Verdict.STATE_DROPPED),
    (r"not ours", Verdict.BLOCKED),
    (r"^restart", Verdict.RESTARTED),
    (r"^stops\b", Verdict.STOPPED),
    (r"^(starts|continues) from\b|^resumes\b|^runs again\b", Verdict.RESTARTED),
)
_REPLACING = {"replace", "create-replacement", "delete-replaced", "read-replacement", "discard-replaced"}
_QUIET = {"same", "refresh", "read"}
_LIVE = {"job_running", "job_idle", "job_submitting", "job_downloading", "job_savepointing", "job_canceling"}


@dataclass(frozen=True)
class Item:
    """One resource of this package in the report.

    Attributes:
        verdicts: all that apply; the first is the most dangerous.
        line: what happens, in the words of the preview.
        notes: warnings and errors besides.
        down_seconds: how long the stream was down at its last restart, None where the state does not know.
    """

    urn: str
    name: str
    kind: str
    verdicts: tuple[Verdict, ...]
    line: str
    notes: tuple[str, ...] = ()
    down_seconds: float | None = None

    @property
    def verdict(self) -> Verdict:
        """The most dangerous one."""
        return self.verdicts[0]


def classify(preview: Preview, *, drift: bool = False) -> list[Item]:
    """The resources of this package, the most dangerous first.

    Args:
        drift: the preview is one of a refresh: a change is somebody else's, and a delete means that it is gone.
    """
    items: dict[str, Item] = {}
    for step in preview.steps:
        if not step.kind:
            continue
        item = _drifted(step) if drift else _item(step, preview.messages.get(step.urn, ()))
        items[step.urn] = _joined(items[step.urn], item) if step.urn in items else item
    for urn, messages in preview.messages.items():
        step = Step("update", urn, None, None)
        if step.kind and any(message.severity == "error" for message in messages):
            # A resource that was refused has no step of its own, or one that only looked at it.
            items[urn] = _refused(step, messages)
    return sorted(items.values(), key=lambda item: (item.verdict.rank, item.kind, item.name))


def _joined(first: Item, second: Item) -> Item:
    """A replacement has several steps: one resource, and the more dangerous reading of it."""
    loud, quiet = sorted((first, second), key=lambda item: item.verdict.rank)
    verdicts = _ordered({*loud.verdicts, *quiet.verdicts} - {Verdict.UNCHANGED}) or (Verdict.UNCHANGED,)
    down = loud.down_seconds if loud.down_seconds is not None else quiet.down_seconds
    return replace(loud, verdicts=verdicts, line=loud.line or quiet.line, down_seconds=down)


def _ordered(verdicts: set[Verdict]) -> tuple[Verdict, ...]:
    return tuple(sorted(verdicts, key=lambda verdict: verdict.rank))


def _item(step: Step, messages: Sequence[Message]) -> Item:
    if step.op in ("delete", "delete-replaced"):
        line, verdicts = _deleted(step)
        return Item(step.urn, step.name, step.kind, verdicts, line)
    if step.op in _QUIET:
        return Item(step.urn, step.name, step.kind, (Verdict.UNCHANGED,), "")
    lines = [_without_name(message.text, step.name) for message in messages if message.severity == "info"]
    notes = [_without_name(message.text, step.name) for message in messages if message.severity != "info"]
    found = {verdict for text in lines if (verdict := _of_line(text))}
    if any(_of_line(note) is Verdict.STATE_DROPPED for note in notes):
        found.add(Verdict.STATE_DROPPED)
    if step.op in _REPLACING:
        found.add(Verdict.REPLACED)
    elif step.op in ("create", "import"):
        found.add(Verdict.CREATED)
    line = "; ".join(lines) or (f"changes {', '.join(step.fields)}" if step.fields else step.op)
    verdicts = _ordered(found) or (Verdict.CHANGED,)
    return Item(step.urn, step.name, step.kind, verdicts, line, tuple(notes), _down(step.old))


def _refused(step: Step, messages: Sequence[Message]) -> Item:
    errors = [_without_name(message.text, step.name) for message in messages if message.severity == "error"]
    return Item(step.urn, step.name, step.kind, (Verdict.BLOCKED,), errors[0], tuple(errors[1:]))


def _of_line(text: str) -> Verdict | None:
    words = re.sub(r"\([^()]*\)", "", text)
    words = re.sub(r"^takes over [^:]*: ", "", words)
    return next((verdict for pattern, verdict in _LINES if re.search(pattern, words)), None)


def _without_name(text: str, name: str) -> str:
    """The provider's lines begin with the resource's name, which the report shows by itself."""
    return text.removeprefix(f"{name}: ")


def _deleted(step: Step) -> tuple[str, tuple[Verdict, ...]]:
    """What a delete will do: Pulumi does not ask the provider about it, so the state has to tell."""
    olds = step.old or {}
    if step.retained:
        return "is forgotten and runs on (retain_on_delete)", (Verdict.CHANGED,)
    if not step.kind.startswith("Flink"):
        return "is deleted", (Verdict.DELETED,)
    if str(olds.get("status") or "") not in _LIVE:
        return f"is deleted ({olds.get('status') or 'status unknown'})", (Verdict.DELETED,)
    if _saves_before_delete(olds) and _is_never_saved(olds):
        line = (
            "is not deleted: its last savepoint cannot be made (Flink 1.15 and later without execution_agency_urn); "
            "savepoint_on_delete=False and `pulumi up` first"
        )
        return line, (Verdict.DELETED, Verdict.BLOCKED)
    if _saves_before_delete(olds):
        return "is stopped with a last savepoint and deleted", (Verdict.DELETED,)
    return "is deleted without savepoint: its state is lost", (Verdict.STATE_DROPPED, Verdict.DELETED)


def _saves_before_delete(olds: Mapping[str, Any]) -> bool:
    asked = olds.get("savepoint_on_delete")
    return bool(asked) if asked is not None else olds.get("upgrade_mode") != "stateless"


def _is_never_saved(olds: Mapping[str, Any]) -> bool:
    """Whether the service makes no savepoint of the job (dli-api 15, row 4)."""
    version = re.match(r"(\d+)\.(\d+)", str(olds.get("flink_version") or ""))
    new = version is not None and (int(version[1]), int(version[2])) >= (1, 15)
    return new and not olds.get("execution_agency_urn")


def _drifted(step: Step) -> Item:
    if step.op == "delete":
        return Item(step.urn, step.name, step.kind, (Verdict.DRIFTED,), "is gone: it was deleted outside of Pulumi")
    if step.op == "update":
        line = f"was changed outside of Pulumi: {', '.join(step.fields)}" if step.fields else "is not as it was"
        return Item(step.urn, step.name, step.kind, (Verdict.DRIFTED,), line)
    return Item(step.urn, step.name, step.kind, (Verdict.UNCHANGED,), "")


def _down(olds: Mapping[str, Any] | None) -> float | None:
    seconds = known((olds or {}).get("last_downtime_seconds"))
    return float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None
