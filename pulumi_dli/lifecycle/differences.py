"""Which parts of a nested input differ, by name: a preview says `runtime_config.taskmanager.numberOfTaskSlots`, not
only `runtime_config`. Names are told, values never. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 3
"""More parts than this are told by the field's name alone."""


def named(field: str, old: Any, new: Any) -> list[str]:
    """The field, or its parts where few of a map's or list's parts differ."""
    if not isinstance(old, Mapping | list | tuple) or type(old) is not type(new):
        return [field]
    from deepdiff import DeepDiff  # noqa: PLC0415  (heavy; most changes are of plain values)

    tree = DeepDiff(old, new, ignore_order=False, view="tree")
    paths = {_path(level.path(output_format="list")) for levels in tree.values() for level in levels}
    if not paths or len(paths) > MOST:
        return [field]
    return sorted(f"{field}{path}" for path in paths)


def _path(steps: list[Any]) -> str:
    """`.key` for the key of a map, `[0]` for the place in a list; a digest that differs is told as its package."""
    shown = [step for step in steps if step not in ("digest", "path")]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown)
