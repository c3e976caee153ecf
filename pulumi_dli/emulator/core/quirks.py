"""The switches of the local DLI: where sources disagree, or regions differ, a client must bear both (dli-api 9.2, 11).

`GET /__dli/quirks` shows them, `PUT` sets those named. They are kept in the data file. Rules read `service.quirks`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_SECONDS = 1e9  # of any delay
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]


class Timings(BaseModel):
    """Service seconds of dli-api 9.3; the speed of the clock scales them all."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    assigning: Seconds = 300
    first_submit: Seconds = 480
    submit: Seconds = 30
    stop: Seconds = 20
    savepoint: Seconds = 20
    upload: Seconds = 10
    scaling: Seconds = 600
    idle_release: Seconds = 3600
    restart_delay: Seconds = 10
    queue_restart: Seconds = 300
    pool_creating: Seconds = 180
    pool_scaling: Seconds = 300
    pool_age: Seconds = 900  # a pool that is younger cannot be deleted; 3600 until 2024
    peering: Seconds = 30


REAL_TIMINGS = Timings(
    assigning=5, upload=1, scaling=5, queue_restart=5, pool_creating=5, pool_scaling=5, pool_age=15, peering=1
)
"""With a runtime that really runs jobs, and so in real time: what the emulator itself makes up is short."""


class Quirks(BaseModel):
    """Every switch with its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # answers
    sample_types: bool = Field(
        False, description='"true" strings on queue list and owner change, bare true on job create'
    )
    snake_details: bool = Field(False, description="queue details in snake_case")
    create_201: bool = Field(False, description="queue create answers 201")
    queue_not_found: Literal["documented", "DLI.0002", "DLI.0008", "DLI.0023"] = Field(
        "documented", description="answer for a missing queue; documented = 0002, and 0008 for the action"
    )
    job_not_found: Literal["vendor", "DLI.0002", "DLI.0023"] = Field(
        "vendor", description="code for a missing job: the vendor's (16001 and others), or one of OTC's own table"
    )
    savepoint_path_form: Literal["any", "bare", "obs"] = Field(
        "any", description="savepoint calls take bucket/folder/ alone, or obs:// alone: pages of the years disagree"
    )
    stop_answer: Literal["array", "object", "short"] = Field("array", description="bare object, or one element for all")
    status_lower_case: bool = Field(False, description="package statuses in lower case")
    null_details: bool = Field(False, description="job details: start_time and values of job_config are null")
    start_time_zero: bool = Field(False, description="job details: start_time 0 instead of null before the first start")
    name_filter: Literal["fuzzy", "exact"] = Field("fuzzy", description="the name filter of the job list")
    queue_casing: Literal["as_sent", "lower"] = Field("as_sent", description="queue_name that a job reads back")
    omit_total: bool = Field(False, description="package list without `total`, as in the sample")
    # rules
    queue_tag_id: Literal["any", "queue_id", "resource_id", "name"] = Field(
        "queue_id",
        description="what tag calls name a queue by: the vendor says queue_id, OTC nothing; any takes all three",
    )
    keep_empty_group: bool = Field(False, description="a package group without packages stays in the list")
    ignore_missing_savepoint: bool = Field(False, description="run with resume_savepoint never answers DLI.13017")
    savepoint_consumed: Literal["accepted", "running", "kept"] = Field(
        "accepted", description="when a start with resume takes the job's savepoint away"
    )
    savepoint_files: Literal["kept", "deleted"] = Field(
        "kept", description="files of a consumed savepoint once it runs"
    )
    savepoint_needs_bucket: bool = Field(True, description="savepoints of jobs without obs_bucket are refused")
    check_topics: bool = Field(False, description="smn_topic must be one of `topics` (DLI.11032)")
    topics: list[str] = Field(default_factory=list)
    check_buckets: bool = Field(False, description="obs_bucket must have been authorised (DLI.11016)")
    lenient_objects: bool = Field(False, description="packages, jars and savepoints need no object behind them")
    known_users: list[str] | None = Field(None, description="users a package may be given to; null: any")
    tags_refused: bool = Field(False, description="creates with tags work, but the tags are dropped")
    tags_rejected: bool = Field(False, description="creates with tags are refused (DLI.0001)")
    # rules of documents, each with its switch; `lenient` turns all of them off
    lenient: bool = Field(False, description="accept all that the documents forbid: every lax_ switch at once")
    lax_pool_sizes: bool = Field(False, description="sums, bounds and editions of a pool's CUs are not checked")
    lax_pool_status: bool = Field(False, description="pools take changes and deletion while CREATING or SCALING")
    lax_pool_delete: bool = Field(False, description="pools are deleted at any age, and with queues")
    lax_pool_queues: bool = Field(False, description="any queue can be associated with a pool")
    lax_policies: bool = Field(False, description="scaling policies need no default entry and may overlap")
    strict_pool_steps: bool = Field(False, description="CUs of pools must be multiples of 16")
    strict_pool_names: bool = Field(False, description="names of pools must not begin with a digit")
    sparse_pools: bool = Field(False, description="pool list without current_cu, queues, update_time, as in the sample")
    lax_binding: bool = Field(False, description="any queue at any moment can be bound to a connection")
    lax_overlap: bool = Field(False, description="peerings of overlapping CIDRs work")
    lax_peering: bool = Field(False, description="connections are deleted while CREATING, FAILED peerings unbound")
    lax_limits: bool = Field(False, description="desc up to 2048 characters, memory below 2 GB")
    lax_cus: bool = Field(False, description="jobs may need more CUs than their queue has, or has free")
    lax_checkpoint_path: bool = Field(False, description="checkpoint_path goes together with checkpoint_enabled")
    lax_run_mode: bool = Field(False, description="shared_cluster with flink_opensource_sql_job")
    lax_agency: bool = Field(False, description="agencies anywhere; without one Flink 1.15 does all the same")
    lax_packages: bool = Field(False, description="Flink 1.15 takes packages of DLI")
    lax_resource_version: bool = Field(False, description="v1 and v2 of resource_config with any version")
    lax_job_kind: bool = Field(False, description="jar bodies on SQL jobs, SQL bodies on jar jobs")
    lax_shared_queues: bool = Field(False, description="jar jobs run on shared queues")
    lax_versions: bool = Field(False, description="any flink_version runs")
    lax_sql_syntax: bool = Field(False, description="SQL texts are not looked at")
    lax_sql_graph: bool = Field(False, description="static graphs for every version, and of SQL with functions")
    checkpoint_after_change: Literal["restored", "refused"] = Field(
        "restored", description="start from a checkpoint after a change of program, SQL, graph or parallelism"
    )
    savepoint_answer: Literal["text", "bare"] = Field(
        "text", description='outer is_success of a savepoint: "true", true'
    )
    flink_jar_versions: list[str] = Field(default_factory=lambda: ["1.10", "1.12", "1.15", "1.17"])
    flink_sql_versions: list[str] = Field(default_factory=lambda: ["1.10", "1.12", "1.15"])
    subnets: dict[str, str] = Field(default_factory=dict, description="dest_network_id → CIDR of that subnet")
    unique_connections: bool = Field(False, description="a second connection of the same name is refused")
    deleted_connections: Literal["shown", "gone"] = Field("shown", description="what a GET of a deleted one answers")
    connection_pools: Literal["shown", "listed", "hidden"] = Field(
        "shown",
        description="elastic_resource_pools of connections: the table of the details lacks them, the list's not",
    )
    connection_routes: bool = Field(True, description="routes[] in connections, which no document has")
    # regions
    v3_unpublished: bool = Field(False, description="v3 calls of DLI get the gateway's 404")
    savepoint_api_unpublished: bool = Field(False, description="savepoint and import-savepoint get the gateway's 404")
    quotas: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=lambda: {
            "QUEUE": 1000,
            "CU": 100_000,
            "SL_PKG_RESOURCE": 10_000,
            "ELASTIC_RESOURCE_POOL": 100,
        }
    )
    timings: Timings = Timings()

    def forbids(self, rule: str) -> bool:
        """Whether a rule of the documents holds: neither its own switch `lax_…` nor `lenient` is on."""
        lax: bool = getattr(self, f"lax_{rule}")
        return not (self.lenient or lax)
