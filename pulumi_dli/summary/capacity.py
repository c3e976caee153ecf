"""CUs of the jobs before and after a deployment, per queue. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.summary.previews import Preview, known

_Side = Mapping[str, Any] | None
_CUS_OF_A_JOB = 2  # what a job takes when the input is omitted (dli_02_0230: `cu_number`)
_NOT_RUNNING = {"suspended", "draft", "finished", "failed"}


@dataclass(frozen=True)
class QueueCapacity:
    """CUs that the jobs of one queue take, and that the queue has; None where the preview does not know."""

    queue: str
    before: int
    after: int
    size: int | None = None


def capacities(preview: Preview) -> list[QueueCapacity]:
    """The queues whose jobs the preview shows; by name.

    The CLI leaves out what does not change unless it is asked (`--show-sames`); a refresh before the preview shows it.
    """
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for kind, name, old, new in _sides(preview):
        for tally, side in ((before, old), (after, new)):
            if side is not None and kind.startswith("Flink"):
                queue, cus = _use(side)
                tally[queue] = tally.get(queue, 0) + cus
        if kind == "Queue" and new is not None and isinstance(size := known(new.get("cu_count")), int | float):
            sizes[str(known(new.get("queue_name")) or name).lower()] = int(size)
    names = sorted({*before, *after})
    return [QueueCapacity(name, before.get(name, 0), after.get(name, 0), sizes.get(name)) for name in names]


def shows_all(preview: Preview) -> bool:
    """Whether every resource that does not change is in the preview too."""
    shown = {step.urn for step in preview.steps if step.op in ("same", "refresh")}
    return len(shown) >= preview.unchanged


def _sides(preview: Preview) -> Iterator[tuple[str, str, _Side, _Side]]:
    """Kind, name and both sides of each resource: first and last of its steps; a step that only looked shows one."""
    olds: dict[str, _Side] = {}
    news: dict[str, _Side] = {}
    steps = {step.urn: step for step in preview.steps if step.kind}
    for step in preview.steps:
        if step.op != "refresh":
            olds.setdefault(step.urn, step.old)
            news[step.urn] = step.new if step.new is not None or step.op == "delete" else news.get(step.urn)
    for step in preview.steps:
        if step.op == "refresh" and step.urn not in olds:
            olds[step.urn] = news[step.urn] = step.new
    for urn, step in steps.items():
        yield step.kind, step.name, olds.get(urn), news.get(urn)


def _use(side: Mapping[str, Any]) -> tuple[str, int]:
    queue = str(known(side.get("queue_name")) or "not known yet").lower()
    if known(side.get("state")) in _NOT_RUNNING:
        return queue, 0
    cus = known(side.get("cu_number"))
    return queue, int(cus) if isinstance(cus, int | float) else _CUS_OF_A_JOB
