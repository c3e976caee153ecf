"""The report of a preview: Markdown for a pull request, text for a terminal, JSON for another program. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulumi_dli.summary.capacity import QueueCapacity, capacities, shows_all
from pulumi_dli.summary.previews import Message, Preview
from pulumi_dli.summary.verdicts import Item, Verdict, classify

COMMENT_LIMIT = 65_000
"""GitHub takes 65,536 characters a comment, GitLab more; some are left for what a workflow adds."""

_TITLES = {
    Verdict.STATE_DROPPED: "State is dropped",
    Verdict.DELETED: "Deleted",
    Verdict.REPLACED: "Replaced",
    Verdict.BLOCKED: "Blocked: nothing is deployed until this is settled",
    Verdict.STOPPED: "Stopped",
    Verdict.DRIFTED: "Changed outside of Pulumi",
    Verdict.RESTARTED: "Restarted with their state (down meanwhile)",
    Verdict.CREATED: "Created",
    Verdict.CHANGED: "Changed without a restart",
}
_DANGEROUS = {
    Verdict.STATE_DROPPED,
    Verdict.DELETED,
    Verdict.REPLACED,
    Verdict.BLOCKED,
    Verdict.STOPPED,
    Verdict.DRIFTED,
}
_FOLDED = {Verdict.CREATED, Verdict.CHANGED}
_QUIET_OPS = {"same", "refresh", "read"}


@dataclass(frozen=True)
class Report:
    """What a preview says, ready to be written."""

    items: tuple[Item, ...]
    capacity: tuple[QueueCapacity, ...]
    others: dict[str, int]
    problems: tuple[str, ...]
    shows_all: bool = True

    def hits(self, verdicts: Sequence[Verdict]) -> list[Item]:
        """The resources to which one of the verdicts applies."""
        return [item for item in self.items if set(item.verdicts) & set(verdicts)]


def report_on(preview: Preview, *, drift: bool = False) -> Report:
    """The report of a preview, or of a preview of a refresh (`drift`)."""
    items = classify(preview, drift=drift)
    others = Counter(
        step.op
        for step in preview.steps
        if not step.kind and step.type != "pulumi:pulumi:Stack" and step.op != "refresh"
    )
    ours = {item.urn for item in items}
    problems = tuple(
        _one_line(message.text)
        for urn, messages in preview.messages.items()
        if urn not in ours
        for message in messages
        if message.severity == "error" and not _is_noise(message)
    )
    capacity = () if drift else tuple(capacities(preview))
    return Report(tuple(items), capacity, dict(sorted(others.items())), problems, shows_all(preview))


def _is_noise(message: Message) -> bool:
    return not message.text or message.text == "preview failed"


def as_json(report: Report) -> str:
    """For another program: every resource, unchanged ones included."""
    return json.dumps(
        {
            "resources": [
                {
                    "urn": item.urn,
                    "name": item.name,
                    "kind": item.kind,
                    "verdicts": list(item.verdicts),
                    "line": item.line,
                    "notes": list(item.notes),
                    "downSeconds": item.down_seconds,
                }
                for item in report.items
            ],
            "capacity": [
                {"queue": one.queue, "before": one.before, "after": one.after, "size": one.size}
                for one in report.capacity
            ],
            "others": report.others,
            "problems": list(report.problems),
        },
        indent=2,
    )


def as_text(report: Report) -> str:
    """For a terminal."""
    lines: list[str] = [_headline(report), ""]
    for verdict, items in _sections(report):
        lines.append(f"{_TITLES[verdict]}:")
        for item in items:
            lines.append(f"  {item.kind} {item.name}: {_one_line(item.line)}{_down(item)}")
            lines += [f"      {_one_line(note)}" for note in item.notes]
    lines += [f"Problem: {problem}" for problem in report.problems]
    lines += [f"Queue {one.queue}: {_cus(one)}" for one in _changed(report.capacity)]
    if report.capacity:
        lines.append(_in_all(report))
    if report.others:
        lines.append(f"Other resources: {_counts(report.others)}")
    return "\n".join(lines) + "\n"


def as_markdown(report: Report, *, limit: int = COMMENT_LIMIT) -> str:
    """For a comment: at most `limit` characters; harmless rows are left out first, and counted."""
    for rows in (None, 200, 50, 20, 10, 5, 2, 1, 0):
        text = _markdown(report, rows)
        if len(text) <= limit:
            return text
    return f"{_escape(_headline(report))}\n"[:limit]


def _markdown(report: Report, most: int | None) -> str:
    lines = [f"### {_escape(_headline(report))}", ""]
    for verdict, items in _sections(report):
        shown = items if most is None or (verdict in _DANGEROUS and most) else items[:most]
        if most is not None and most < 50 and verdict in _DANGEROUS:
            shown = items[: most * 10]
        table = [
            "| stream | what happens |" if verdict is not Verdict.DELETED else "| resource | what happens |",
            "| --- | --- |",
            *(f"| {_escape(item.kind)} **{_escape(item.name)}** | {_cell(item)} |" for item in shown),
        ]
        if len(shown) < len(items):
            table.append(f"| | … and {len(items) - len(shown)} more |")
        if verdict in _FOLDED:
            lines += [f"<details><summary>{_TITLES[verdict]}: {len(items)}</summary>", "", *table, "", "</details>", ""]
        else:
            mark = "⚠️ " if verdict in _DANGEROUS else ""
            lines += [f"**{mark}{_TITLES[verdict]}: {len(items)}**", "", *table, ""]
    lines += [f"- ⚠️ {_escape(problem)}" for problem in report.problems[: most if most is not None else None]]
    changed = _changed(report.capacity)
    if changed:
        lines += ["| queue | CUs of its jobs | CUs of the queue |", "| --- | --- | --- |"]
        lines += [
            f"| {_escape(one.queue)} | {one.before} → {one.after} | {one.size if one.size is not None else ''} |"
            for one in changed[: most if most is not None else None]
        ]
        lines.append("")
    if report.capacity:
        lines.append(f"{_in_all(report)}  ")
    unchanged = sum(item.verdict is Verdict.UNCHANGED for item in report.items)
    lines.append(f"Unchanged: {unchanged}" + (f". Other resources: {_counts(report.others)}" if report.others else ""))
    return "\n".join(lines) + "\n"


def _sections(report: Report) -> list[tuple[Verdict, list[Item]]]:
    found = [(verdict, [item for item in report.items if item.verdict is verdict]) for verdict in _TITLES]
    return [(verdict, items) for verdict, items in found if items]


def _headline(report: Report) -> str:
    counted = Counter(item.verdict for item in report.items)
    parts = [f"{counted[verdict]} {verdict.value.replace('-', ' ')}" for verdict in Verdict if counted[verdict]]
    down = [item.down_seconds for item in report.items if item.verdict is Verdict.RESTARTED and item.down_seconds]
    told = f"; streams that restart were down for up to {_duration(max(down))} last time" if down else ""
    return f"DLI: {', '.join(parts) or 'nothing of this package'}{told}"


def _cell(item: Item) -> str:
    notes = "".join(f"<br>{_escape(_one_line(note))}" for note in item.notes)
    return f"{_escape(_one_line(item.line))}{_down(item)}{notes}"


def _down(item: Item) -> str:
    stops = {Verdict.RESTARTED, Verdict.STATE_DROPPED} & set(item.verdicts)
    return f" (down {_duration(item.down_seconds)} last time)" if stops and item.down_seconds else ""


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _changed(capacity: Sequence[QueueCapacity]) -> list[QueueCapacity]:
    return [one for one in capacity if one.before != one.after]


def _cus(one: QueueCapacity) -> str:
    return f"{one.before} → {one.after} CUs of jobs" + (
        f", {one.size} CUs of the queue" if one.size is not None else ""
    )


def _in_all(report: Report) -> str:
    before, after = (sum(getattr(one, side) for one in report.capacity) for side in ("before", "after"))
    partly = "" if report.shows_all else " (of the jobs that this preview shows; `--show-sames` shows all)"
    return f"CUs of jobs in all: {before} → {after}{partly}"


def _counts(others: dict[str, int]) -> str:
    words: dict[str, str] = {"same": "unchanged", "create": "created", "update": "updated", "delete": "deleted"}
    return ", ".join(f"{number} {words.get(op, op)}" for op, number in others.items())


def _one_line(text: str) -> str:
    return " ".join(text.split())


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_escape: Callable[[str], str] = lambda text: _SPECIAL.sub(r"\\\1", text).replace("@", "@\u200b")  # noqa: E731
