"""Templates of Flink SQL jobs: their records (dli-api 7); `calls.py` holds the handlers."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table

FIRST = 100_000


@dataclass
class Template:
    project_id: str
    template_id: int
    name: str
    desc: str
    sql_body: str
    job_type: str
    created: float
    updated: float


class Templates:
    """The templates of all projects."""

    def __init__(self, core: Core) -> None:
        self._table: Table[Template] = Table(core.store, "templates", Template)

    def of(self, project_id: str) -> list[Template]:
        """All of a project, oldest first."""
        found = [template for template in self._table.rows.values() if template.project_id == project_id]
        return sorted(found, key=lambda template: template.template_id)

    def find(self, project_id: str, template_id: str | int) -> Template | None:
        template = self._table.rows.get(str(template_id))
        return template if template is not None and template.project_id == project_id else None

    def save(self, template: Template) -> None:
        self._table.save(str(template.template_id), template)

    def drop(self, template: Template) -> None:
        self._table.drop(str(template.template_id))
