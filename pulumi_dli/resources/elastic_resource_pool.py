"""`ElasticResourcePool`: written by `python -m pulumi_dli.specs.generate` from `specs/elastic_resource_pool.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Required, TypedDict

import pulumi

from pulumi_dli.provider import ElasticResourcePoolProvider
from pulumi_dli.resources.base import DliResource
from pulumi_dli.specs.forms import Network
from pulumi_dli.specs.shapes import Flag, Settings, Shape, TagMap, Text, Whole


class ElasticResourcePoolArgs(TypedDict, total=False):
    """The inputs of an elastic resource pool by name, for tables of them: `ElasticResourcePool(name, **row)`."""

    min_cu: Required[pulumi.Input[int]]
    max_cu: Required[pulumi.Input[int]]
    elastic_resource_pool_name: pulumi.Input[str] | None
    description: pulumi.Input[str] | None
    cidr_in_vpc: pulumi.Input[str] | None
    charging_mode: pulumi.Input[int] | None
    enterprise_project_id: pulumi.Input[str] | None
    label: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None
    ipv6_enable: pulumi.Input[bool] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    adopt: pulumi.Input[bool] | None


class ElasticResourcePool(DliResource, module="dli", name="ElasticResourcePool"):
    """An elastic resource pool: compute that its queues share (page dli_02_0326).

    Its creation takes minutes and is waited for. `min_cu`, `max_cu`, `description` and `tags` change in place; the
    pool's capacity follows at the next full hour. Everything else needs a pool of another name, and new queues in it.
    It is deleted when it holds no queue and is 15 minutes old; a younger one is waited for. It costs its `min_cu` as
    long as it exists. The id is the stored (lower-case) name.

    Outputs beside the inputs:

    * `resource_id`: The service's id of the pool, under which it has tags.
    * `owner`: Who created it.
    * `create_time`: In milliseconds since the epoch.
    * `available_time`: When its creation was done, likewise; None if nobody waited.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:ElasticResourcePool"
    spec = "pulumi_dli.specs.elastic_resource_pool:ElasticResourcePoolSpec"
    named = "elastic_resource_pool_name"
    required = ("min_cu", "max_cu")
    computed_outputs = ("resource_id", "owner", "create_time", "available_time", "endpoint", "project_id")
    shapes: ClassVar[Mapping[str, Shape]] = {
        "min_cu": Whole(least=16, most=32000),
        "max_cu": Whole(least=16, most=32000),
        "elastic_resource_pool_name": Text(
            pattern="[A-Za-z][A-Za-z0-9_]{0,127}",
            rule="must have 1 to 128 letters, digits or _, and begin with a letter",
        ),
        "description": Text(most=256),
        "cidr_in_vpc": Network(),
        "charging_mode": Whole(least=1, most=1, rule="must be 1 (pay per use); others are ordered by hand"),
        "enterprise_project_id": Text(),
        "label": Settings(),
        "ipv6_enable": Flag(),
        "tags": TagMap(own="pulumi_dli_owner"),
        "adopt": Flag(),
    }

    if TYPE_CHECKING:
        resource_id: pulumi.Output[str]
        owner: pulumi.Output[str | None]
        create_time: pulumi.Output[int | None]
        available_time: pulumi.Output[int | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        min_cu: pulumi.Output[int]
        max_cu: pulumi.Output[int]
        elastic_resource_pool_name: pulumi.Output[str]
        description: pulumi.Output[str | None]
        cidr_in_vpc: pulumi.Output[str | None]
        charging_mode: pulumi.Output[int | None]
        enterprise_project_id: pulumi.Output[str | None]
        label: pulumi.Output[Mapping[str, str] | None]
        ipv6_enable: pulumi.Output[bool | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        adopt: pulumi.Output[bool | None]

    def __init__(
        self,
        resource_name: str,
        *,
        min_cu: pulumi.Input[int],
        max_cu: pulumi.Input[int],
        elastic_resource_pool_name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        cidr_in_vpc: pulumi.Input[str] | None = None,
        charging_mode: pulumi.Input[int] | None = None,
        enterprise_project_id: pulumi.Input[str] | None = None,
        label: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None = None,
        ipv6_enable: pulumi.Input[bool] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an elastic resource pool.

        Args:
            resource_name: Name of the resource in the program; the default of `elastic_resource_pool_name`.
            min_cu: Compute units that it always has, at least the sum of its queues' minima; a multiple of 16. It
                can be raised up to the CUs that the pool has at that time.
            max_cu: Compute units that it may grow to, at least the maximum of each queue; a multiple of 16.
            elastic_resource_pool_name: Name, in letters of any case; the service stores it in lower case.
            description: Free text.
            cidr_in_vpc: Network of the pool, best a /16 to /19; it must not overlap that of any data source, and
                the default `172.16.0.0/12` covers most.
            charging_mode: 1: pay per CU-hour.
            enterprise_project_id: Enterprise project, where Enterprise Management is on.
            label: Edition: `{"spec": "basic"}` for the basic one (16 to 64 CUs), standard when omitted.
            ipv6_enable: Whether it has IPv6 addresses as well.
            tags: Tags: a map of key to value.
            adopt: Take over an existing pool of this name instead of failing (default false).
            opts: Pulumi's resource options.
        """
        inputs = {
            "min_cu": min_cu,
            "max_cu": max_cu,
            "elastic_resource_pool_name": elastic_resource_pool_name,
            "description": description,
            "cidr_in_vpc": cidr_in_vpc,
            "charging_mode": charging_mode,
            "enterprise_project_id": enterprise_project_id,
            "label": label,
            "ipv6_enable": ipv6_enable,
            "tags": tags,
            "adopt": adopt,
        }
        super().__init__(ElasticResourcePoolProvider(), resource_name, inputs, opts)
