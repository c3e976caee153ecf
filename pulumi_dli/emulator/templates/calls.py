"""Handlers of the template calls (dli-api 7): bodies in, answers out. The records are in `records.py`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.errors import Refusal
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.templates.records import FIRST, Template, Templates

MOST = 100


class TemplateFields(Body):
    name: str | None = Field(None, max_length=64)
    desc: str | None = Field(None, max_length=512)
    sql_body: str | None = Field(None, max_length=10_000)
    job_type: str = "flink_sql_job"


def create(call: Call) -> Reply:
    asked, templates = call.read(TemplateFields), call.core.part(Templates)
    if not asked.name:
        raise Refusal(400, "DLI.18006", "The template name is empty.")
    if len(templates.of(call.project_id)) >= MOST:
        raise Refusal(400, "DLI.1028", "The quota of templates is insufficient.")
    now = call.core.clock.now()
    template = Template(
        project_id=call.project_id,
        template_id=call.core.next_id("template", FIRST),
        name=asked.name,
        desc=asked.desc or "",
        sql_body=asked.sql_body or "",
        job_type=asked.job_type,
        created=now,
        updated=now,
    )
    templates.save(template)
    shown = {name: value for name, value in _row(template).items() if name not in ("sql_body", "update_time")}
    return _done("A template is created successfully.", template=shown)


def update(call: Call) -> Reply:
    template, asked = _existing(call), call.read(TemplateFields)
    if asked.name == "":
        raise Refusal(400, "DLI.18006", "The template name is empty.")
    template.name = asked.name or template.name
    template.desc = template.desc if asked.desc is None else asked.desc
    template.sql_body = template.sql_body if asked.sql_body is None else asked.sql_body
    template.updated = call.core.clock.now()
    call.core.part(Templates).save(template)
    return _done("The template is updated successfully.")


def delete(call: Call) -> Reply:
    template = _existing(call)
    call.core.part(Templates).drop(template)
    return _done("The template is deleted successfully.", template={"template_id": template.template_id})


def list_templates(call: Call) -> Reply:
    start, most = call.number("offset", default=0), call.number("limit", default=10)
    if start < 0 or not 1 <= most <= MOST:
        raise Refusal(400, "DLI.1206", "Invalid parameter limit or offset.")
    found = [row for row in call.core.part(Templates).of(call.project_id) if (call.query.get("name") or "") in row.name]
    if call.query.get("order", "desc") == "desc":
        found.reverse()
    shown = [_row(row) for row in found[start : start + most]]
    return _done("", template_list={"total_count": len(found), "templates": shown})


def _existing(call: Call) -> Template:
    template = call.core.part(Templates).find(call.project_id, call.params["template_id"])
    if template is None:
        raise Refusal(400, "DLI.18005", f"The template {call.params['template_id']} does not exist.")
    return template


def _row(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.template_id,
        "name": template.name,
        "desc": template.desc,
        "sql_body": template.sql_body,
        "job_type": template.job_type,
        "create_time": ms(template.created),
        "update_time": ms(template.updated),
    }


def _done(message: str, **more: Any) -> Reply:
    return Reply(200, {"is_success": "true", "message": message, **more})
