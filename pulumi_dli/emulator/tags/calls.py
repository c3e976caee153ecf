"""Handlers of the v3 tag calls (dli-api 4.7): bodies in, answers out. The records are in `records.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.core.service import TaggedType
from pulumi_dli.emulator.tags.records import MOST, Tag, Tagged, Tags, checked


class TagList(Body):
    tags: list[Tag] = Field(min_length=1)


class TagCondition(Body):
    """A key, and values of which one must be there; none: any."""

    key: str
    values: list[str] | None = None


class TagFilter(Body):
    """The filter of resource-instances; matches take any of the values of each key."""

    tags: list[TagCondition] = Field(default_factory=list)
    limit: int = Field(1000, ge=0)
    offset: int = Field(0, ge=0)


def create(call: Call) -> Reply:
    resource_type, resource_id = _resource(call)
    quirks = call.core.quirks
    new = checked(call.read(TagList).tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    merged = {**call.core.part(Tags).of(call.project_id, resource_type, resource_id), **new}
    if len(merged) > MOST:
        raise bad_parameter(f"Invalid parameter tags: at most {MOST} tags a resource.")
    call.core.part(Tags).put(call.project_id, resource_type, resource_id, merged)
    return Reply(204)


def delete(call: Call) -> Reply:
    resource_type, resource_id = _resource(call)
    kept = call.core.part(Tags).of(call.project_id, resource_type, resource_id)
    for tag in call.read(TagList).tags:
        if kept.get(tag.key) == tag.value:
            del kept[tag.key]
    call.core.part(Tags).put(call.project_id, resource_type, resource_id, kept)
    return Reply(204)


def show(call: Call) -> Reply:
    tags = call.core.part(Tags).of(call.project_id, *_resource(call))
    start, most = call.number("offset", default=0), call.number("limit", default=1000)
    if start < 0 or most < 0:
        raise bad_parameter("Invalid parameter limit or offset: not negative.")
    return Reply(200, {"tags": _listed(tags)[start : start + most], "count": len(tags)})


def show_type(call: Call) -> Reply:
    by_key: dict[str, list[str]] = {}
    for row in call.core.part(Tags).all_of(call.project_id, _type(call).name):
        for key, value in row.tags.items():
            values = by_key.setdefault(key, [])
            if value not in values:
                values.append(value)
    return Reply(200, {"tags": [{"key": key, "values": values} for key, values in by_key.items()]})


def filter_instances(call: Call) -> Reply:
    asked = call.read(TagFilter)
    found = _matching(call, asked)
    page = found[asked.offset : asked.offset + asked.limit]
    shown = [_shown(call, row) for row in page]
    return Reply(200, {"resources": shown, "total_count": len(found)})


def count_instances(call: Call) -> Reply:
    return Reply(200, {"total_count": len(_matching(call, call.read(TagFilter)))})


def _matching(call: Call, asked: TagFilter) -> list[Tagged]:
    conditions = [(condition.key, condition.values or []) for condition in asked.tags]
    return [
        row
        for row in call.core.part(Tags).all_of(call.project_id, _type(call).name)
        if all(key in row.tags and (not values or row.tags[key] in values) for key, values in conditions)
    ]


def _shown(call: Call, row: Tagged) -> dict[str, object]:
    kind, at = _type(call), (call.core, call.project_id, row.resource_id)
    return {"resource_id": kind.shown_id(*at), "resource_name": kind.name_of(*at), "tags": _listed(row.tags)}


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _type(call: Call) -> TaggedType:
    found = call.core.part(Tags).types.get(call.params["resource_type"])
    if found is None:
        raise bad_parameter("Invalid parameter resource_type.")
    return found


def _resource(call: Call) -> tuple[str, str]:
    """The type and stored id of the resource named in the path."""
    kind, given = _type(call), call.params["resource_id"]
    found = kind.find(call.core, call.project_id, given)
    if found is None:
        raise Refusal(404, "DLI.0023", f"The resource {given} does not exist.")
    return kind.name, found
