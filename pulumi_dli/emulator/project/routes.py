"""What a project as a whole offers: bucket authorisation and quotas (dli-api 3.7)."""

from __future__ import annotations

from pulumi_dli.emulator.core.service import Operation, Service
from pulumi_dli.emulator.project import calls
from pulumi_dli.emulator.project.records import AuthorisedBuckets

SERVICE = Service(
    name="project",
    records=(AuthorisedBuckets,),
    operations=(
        Operation("obs.authorize", "POST", "/v1.0/{project_id}/dli/obs-authorize", calls.authorize_buckets),
        Operation("quotas.get", "GET", "/v3/{project_id}/quotas", calls.quotas, "v3_unpublished"),
    ),
)
