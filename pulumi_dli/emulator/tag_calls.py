"""Handlers of the v3 tag calls (contract 4.7): bodies in, answers out. The records are in `tags.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pulumi_dli.emulator.calls import Call
from pulumi_dli.emulator.errors import Refusal, bad_parameter
from pulumi_dli.emulator.messages import Body, Reply
from pulumi_dli.emulator.tags import JOB, MOST, PACKAGE, QUEUE, RESOURCE_TYPES, Tag, Tagged, checked


class TagList(Body):
    tags: list[Tag] = Field(min_length=1)


class TagFilter(Body):
    """The filter of resource-instances; matches take any of the values of each key."""

    tags: list[dict[str, Any]] = Field(default_factory=list)
    limit: int = 1000
    offset: int = 0


def create(call: Call) -> Reply:
    resource_type, resource_id = _resource(call)
    quirks = call.service.quirks
    new = checked(call.read(TagList).tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    merged = {**call.service.tags.of(call.project_id, resource_type, resource_id), **new}
    if len(merged) > MOST:
        raise bad_parameter(f"Invalid parameter tags: at most {MOST} tags a resource.")
    call.service.tags.put(call.project_id, resource_type, resource_id, merged)
    return Reply(200)


def delete(call: Call) -> Reply:
    resource_type, resource_id = _resource(call)
    kept = call.service.tags.of(call.project_id, resource_type, resource_id)
    for tag in call.read(TagList).tags:
        if kept.get(tag.key) == tag.value:
            del kept[tag.key]
    call.service.tags.put(call.project_id, resource_type, resource_id, kept)
    return Reply(200)


def show(call: Call) -> Reply:
    tags = call.service.tags.of(call.project_id, *_resource(call))
    return Reply(200, {"tags": _listed(tags), "count": len(tags)})


def show_type(call: Call) -> Reply:
    by_key: dict[str, list[str]] = {}
    for row in call.service.tags.all_of(call.project_id, _type(call)):
        for key, value in row.tags.items():
            values = by_key.setdefault(key, [])
            if value not in values:
                values.append(value)
    return Reply(200, {"tags": [{"key": key, "values": values} for key, values in by_key.items()]})


def filter_instances(call: Call) -> Reply:
    asked = call.read(TagFilter)
    found = _matching(call, asked)
    page = found[asked.offset : asked.offset + asked.limit]
    shown = [
        {"resource_id": row.resource_id, "resource_name": _name_of(call, row), "tags": _listed(row.tags)}
        for row in page
    ]
    return Reply(200, {"resources": shown, "total_count": len(found)})


def count_instances(call: Call) -> Reply:
    return Reply(200, {"total_count": len(_matching(call, call.read(TagFilter)))})


def _matching(call: Call, asked: TagFilter) -> list[Tagged]:
    conditions = [(item.get("key"), item.get("values") or []) for item in asked.tags]
    return [
        row
        for row in call.service.tags.all_of(call.project_id, _type(call))
        if all(key in row.tags and (not values or row.tags[key] in values) for key, values in conditions)
    ]


def _name_of(call: Call, row: Tagged) -> str:
    if row.resource_type == JOB:
        job = call.service.jobs.find(call.project_id, row.resource_id)
        return job.name if job else ""
    if row.resource_type == QUEUE:
        queue = call.service.queues.by_resource_id(call.project_id, row.resource_id)
        return queue.name if queue else ""
    return row.resource_id


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _type(call: Call) -> str:
    if call.params["resource_type"] not in RESOURCE_TYPES:
        raise bad_parameter("Invalid parameter resource_type.")
    return call.params["resource_type"]


def _resource(call: Call) -> tuple[str, str]:
    """The type and stored id of the resource named in the path; a queue goes by its UUID or its name."""
    kind, given = _type(call), call.params["resource_id"]
    service, project_id = call.service, call.project_id
    found: str | None = None
    if kind == QUEUE:
        queue = service.queues.by_resource_id(project_id, given) or service.queues.find(project_id, given)
        found = queue.resource_id if queue else None
    elif kind == JOB:
        found = given if service.jobs.find(project_id, given) else None
    elif kind == PACKAGE:
        group, _, name = given.rpartition("#")
        found = given if service.packages.find(project_id, group, name) else None
    elif service.pools.find(project_id, given):
        found = given.lower()
    if found is None:
        raise Refusal(404, "DLI.0023", f"The resource {given} does not exist.")
    return kind, found
