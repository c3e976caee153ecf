"""What templates of Flink SQL jobs offer: their calls (dli-api 7)."""

from __future__ import annotations

from pulumi_dli.emulator.core.service import Operation, Service
from pulumi_dli.emulator.templates import calls
from pulumi_dli.emulator.templates.records import Templates

_ROOT = "/v1.0/{project_id}/streaming/job-templates"
_ONE = _ROOT + "/{template_id}"

SERVICE = Service(
    name="templates",
    records=(Templates,),
    operations=(
        Operation("templates.create", "POST", _ROOT, calls.create),
        Operation("templates.list", "GET", _ROOT, calls.list_templates),
        Operation("templates.update", "PUT", _ONE, calls.update),
        Operation("templates.delete", "DELETE", _ONE, calls.delete),
    ),
)
