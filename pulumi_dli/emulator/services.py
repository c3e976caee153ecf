"""The services of the local DLI, one line each. What no service offers gets the gateway's 404."""

from __future__ import annotations

from pulumi_dli.emulator.connections import routes as connections
from pulumi_dli.emulator.iam import routes as iam
from pulumi_dli.emulator.jobs import routes as jobs
from pulumi_dli.emulator.objects import routes as objects
from pulumi_dli.emulator.packages import routes as packages
from pulumi_dli.emulator.pools import routes as pools
from pulumi_dli.emulator.project import routes as project
from pulumi_dli.emulator.queues import routes as queues
from pulumi_dli.emulator.tags import routes as tags
from pulumi_dli.emulator.templates import routes as templates

SERVICES = (
    iam.SERVICE,
    objects.SERVICE,
    queues.SERVICE,
    pools.SERVICE,
    connections.SERVICE,
    packages.SERVICE,
    templates.SERVICE,
    jobs.SERVICE,
    project.SERVICE,
    tags.SERVICE,  # last: its paths take any resource type
)
OPERATIONS = tuple(operation for service in SERVICES for operation in service.operations)
ACTS = {name: act for service in SERVICES for name, act in service.acts.items()}
TAGGED = {service.tagged.name: service.tagged for service in SERVICES if service.tagged}
