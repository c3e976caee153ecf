"""A Flink job between its two spellings: the inputs of the program and the fields of the service. Pure.

The nested places of a read (dli-api 6.9), what the service makes up by itself (6.1, 8) and how a field is cleared
(6.3) are known here and nowhere else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.lifecycle.jobs.kinds import AnyFlinkJobSpec
from pulumi_dli.specs.fields import Cleared, Mark
from pulumi_dli.specs.sql_texts import is_same_sql

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

SENT = AnyFlinkJobSpec.sent()
"""The fields of the create and update bodies."""
LIVE_FIELDS = AnyFlinkJobSpec.live()
"""What a running job takes (dli-api 6.3)."""
CLEARED: Mapping[str, Any] = AnyFlinkJobSpec.values_of(Cleared)
"""What to send for a field that was given and is omitted now. A field that is not among them cannot be cleared."""

AT_CREATION = AnyFlinkJobSpec.marked(Mark.AT_CREATION)
AFTER_CREATION = AnyFlinkJobSpec.marked(Mark.AFTER_CREATION)
PACKAGES = frozenset({"entrypoint", "udf_jar_url"})
PACKAGE_LISTS = frozenset({"dependency_jars", "dependency_files"})

_AT_TOP = AnyFlinkJobSpec.marked(Mark.AT_TOP)
_NEVER_MADE_UP = frozenset(
    {
        "desc",
        "main_class",
        "entrypoint_args",
        "dependency_jars",
        "dependency_files",
        "runtime_config",
        "smn_topic",
        "obs_bucket",
        "udf_jar_url",
    }
)
_JSON_TEXTS = frozenset({"operator_config", "static_estimator_config"})
_ADJUSTED = frozenset({"cu_number"})
"""What the service changes by itself after it was given."""
_NEVER_READ = AnyFlinkJobSpec.marked(Mark.NEVER_READ)
_ALWAYS_SET = AnyFlinkJobSpec.marked(Mark.ALWAYS_READ)


def body(inputs: Mapping[str, Any], fields: Collection[str] = SENT) -> dict[str, Any]:
    """The request body for these fields; one that is absent from the inputs is cleared, or left out where it cannot
    be.
    """
    sent = {}
    for field in SENT:
        if field not in fields:
            continue
        value = inputs.get(field)
        if value is not None:
            sent[field] = _to_wire(field, value)
        elif field in CLEARED:
            sent[field] = CLEARED[field]
    return sent


def create_body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a create: what was given and it takes, and nothing else."""
    given = [field for field in SENT if inputs.get(field) is not None and field not in AFTER_CREATION]
    return {**body(inputs, given), **{name: inputs[name] for name in AT_CREATION if inputs.get(name) is not None}}


def completing_body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What was given and a create does not take: the body of the change that follows it."""
    return body(inputs, [field for field in AFTER_CREATION if inputs.get(field) is not None])


def _to_wire(field: str, value: Any) -> Any:
    if field in PACKAGES:
        return path_of(value)
    if field in PACKAGE_LISTS:
        return [path_of(item) for item in value]
    if field == "runtime_config":
        # The text form is unsettled; a JSON list of pairs is what clients in live use send (dli-api 6.1).
        return json.dumps([{"key": key, "value": text} for key, text in value.items()])
    return value


def path_of(reference: Any) -> str:
    """The path of a package, given as a text or with its digest."""
    return str(reference["path"] if isinstance(reference, Mapping) else reference)


def live_value(job: FlinkJob, field: str) -> Any:
    """What the service says a field is, in the form of the inputs; None when it says nothing."""
    value = getattr(job if field in _AT_TOP else job.config, field, None)
    if value is None or value == "" or value in ((), [], {}):
        return None
    if field == "resource_config":
        return value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else dict(value)
    if field in PACKAGE_LISTS:
        return list(value)
    if field == "queue_name":
        return str(value).lower()
    return dict(value) if isinstance(value, Mapping) else value


def is_unreported(job: FlinkJob, field: str) -> bool:
    """Whether the service says nothing of this field, so that nothing can be compared (dli-api 9.2: null details)."""
    if field in _AT_TOP:
        return False
    return field in _NEVER_READ or all(getattr(job.config, name) is None for name in _ALWAYS_SET)


def is_same(field: str, wanted: Any, live: Any, inputs: Mapping[str, Any]) -> bool:
    """Whether the service has what is wanted, as far as it tells (dli-api 8: reading rules for drift).

    `wanted` None means cleared. A service that says nothing about a field does not contradict it.
    """
    if field in _NEVER_READ or (live is None and wanted is not None):
        return True
    if wanted is None:
        return live is None or _to_wire_of_live(field, live) == CLEARED.get(field, live)
    if field == "cu_number" and inputs.get("tm_slot_num"):
        return True  # with slots set, the service adjusts the CUs to what it really uses
    if field in PACKAGES:
        return bool(path_of(wanted) == live)
    if field == "sql_body":
        return is_same_sql(wanted, live)
    if field in _JSON_TEXTS:
        return bool(_read_json(wanted) == _read_json(live))
    if field in PACKAGE_LISTS:
        return bool([path_of(item) for item in wanted] == live)
    if field == "resource_config":
        return _is_part(wanted, live)
    return bool(wanted == live)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _to_wire_of_live(field: str, live: Any) -> Any:
    return _to_wire(field, live) if field in ("runtime_config",) else live


def _is_part(wanted: Any, live: Any) -> bool:
    """Whether all that is wanted is there; what else the service filled in is its own."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return all(_is_part(value, live.get(key)) for key, value in wanted.items())
    if isinstance(wanted, str) and isinstance(live, str):
        return wanted.replace(" ", "").upper().removesuffix("B") == live.replace(" ", "").upper().removesuffix("B")
    return live is None or bool(wanted == live)


def differing(inputs: Mapping[str, Any], job: FlinkJob, fields: Collection[str]) -> list[str]:
    """Those of the fields in which the service differs from the inputs."""
    return [
        field
        for field in SENT
        if field in fields and not is_same(field, inputs.get(field), live_value(job, field), inputs)
    ]


def unlike(inputs: Mapping[str, Any], job: FlinkJob) -> list[str]:
    """In what a job is not what a create with these inputs makes: an omitted field counts where the service makes up
    nothing of its own.
    """
    lacking = [
        field
        for field in sorted(_NEVER_MADE_UP & set(inputs))
        if inputs[field] and live_value(job, field) is None and not is_unreported(job, field)
    ]
    return [*differing(inputs, job, {*inputs, *_NEVER_MADE_UP}), *lacking]


def refreshed(inputs: Mapping[str, Any], job: FlinkJob, deferred: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the service has them: untouched where it agrees or the program does not manage the field.

    Args:
        deferred: changes kept for the next restart, with the value that the service had meanwhile: while it still has
            that, nobody else has touched the field.
    """
    found = dict(inputs)
    for field in SENT:
        live = live_value(job, field)
        if field in deferred and live == deferred[field]:
            continue
        if field in inputs and not is_same(field, inputs[field], live, inputs):
            found[field] = live
    return found


def undo_body(changed: Collection[str], job: FlinkJob, olds: Mapping[str, Any]) -> dict[str, Any]:
    """A body that puts back these fields, and no others, as the job had them; what was empty is emptied again.

    Args:
        changed: the fields that an upgrade sent. What it did not send is as it was: sending it would pin what the
            service has computed, or be refused. What it did send, and was computed before, is computed again.
        job: its details before the upgrade.
        olds: the outputs then, for what the service does not tell.
    """
    before = {field: _given_before(field, job, olds) for field in SENT if field in changed}
    if job.config.checkpoint_enabled and "checkpoint_path" in before:
        before["checkpoint_path"] = None  # the service's own then (dli_02_0230: not to be given together)
    if str(job.config.resource_config_version or "v1") != "v2":
        before.pop("resource_config", None)  # a default that the service shows for v1, too (dli-api 6.9)
    return body(before, before.keys())


def is_computed(job: FlinkJob, field: str) -> bool:
    """Whether the service made up the value that it shows (dli-api 6.1), as far as can be told."""
    if field != "tm_slot_num":
        return False
    config = job.config
    workers = max((config.cu_number or 2) - (config.manager_cu_number or 1), 1)
    slots = (config.parallel_number or 1) * (config.tm_cus or 1) / workers
    return config.tm_slot_num in (None, 0, 1 if slots < 1 else math.ceil(slots), math.floor(slots))


def _given_before(field: str, job: FlinkJob, olds: Mapping[str, Any]) -> Any:
    """What a job was given for this field, None when it was given nothing: not what the service made of that."""
    given, live = olds.get(field), live_value(job, field)
    if is_unreported(job, field):
        return given
    if given is None:
        return None if is_computed(job, field) else live
    adjusted = field in _ADJUSTED and live is not None and is_same(field, given, live, olds)
    return given if adjusted else live
