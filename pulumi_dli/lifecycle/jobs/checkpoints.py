"""The newest complete checkpoint of a job, found where Flink writes it: in the job's bucket.

DLI has no call that names it. A checkpoint is a folder `chk-<number>` with `_metadata` in it (written last), under the
path that the service chooses, `jobs/checkpoint/` of the job's bucket (dli-api 6.1), or under the job's own
`checkpoint_path`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pulumi_dli.errors import DliError, UpgradeBlockedError

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob
    from pulumi_dli.lifecycle.session import Session

_METADATA = re.compile(r"/chk-[0-9]+/_metadata$")


def newest_checkpoint(session: Session, job: FlinkJob, *, allow_old: bool = False) -> str:
    """The folder (`obs://bucket/…/chk-7/`) of the job's newest complete checkpoint.

    Args:
        allow_old: whether it may be older than the job's last start, and so of an earlier run.

    Raises:
        UpgradeBlockedError: there is none, or the bucket cannot be looked into.
    """
    from pulumi_dli.api.obs import ObsUploads  # noqa: PLC0415  (boto3 is heavy and an extra)

    what = f"Flink job {job.name} ({job.job_id})"
    bucket, prefix = _place(job)
    if not bucket:
        raise UpgradeBlockedError(
            f"{what} writes no checkpoints that could be found: last-state needs checkpoint_enabled with obs_bucket, "
            "or checkpoint_path"
        )
    try:
        rows = ObsUploads(session.client.connection, purpose="Looking for checkpoints in OBS").listed(bucket, prefix)
    except DliError as error:
        raise UpgradeBlockedError(f"the checkpoints of {what} could not be looked for in {bucket}: {error}") from error
    found = [row for row in rows if _METADATA.search("/" + row["Key"]) and _is_of(row["Key"], prefix, job.job_id)]
    newest = max(found, key=lambda row: (row["LastModified"], row["Key"]), default=None)
    if newest is None:
        raise UpgradeBlockedError(
            f"{what} has no complete checkpoint under obs://{bucket}/{prefix}: wait for one, or use upgrade_mode "
            "savepoint"
        )
    # OBS dates objects in whole seconds.
    if not allow_old and newest["LastModified"].timestamp() < (job.start_time or 0) // 1000:
        raise UpgradeBlockedError(
            f"{what} has made no checkpoint since its last start: wait for one, use upgrade_mode savepoint, or give "
            "allow_old_savepoint=True to go back to one of an earlier run"
        )
    return f"obs://{bucket}/{newest['Key'].removesuffix('_metadata')}"


def _place(job: FlinkJob) -> tuple[str, str]:
    own = str(job.config.checkpoint_path or "")
    if own and not job.config.checkpoint_enabled:
        bucket, _, prefix = own.removeprefix("obs://").strip("/").partition("/")
        return bucket, f"{prefix}/" if prefix else ""
    return str(job.config.obs_bucket or ""), "jobs/checkpoint/"


def _is_of(key: str, prefix: str, job_id: int) -> bool:
    """Under the shared folder, the first part holds the job's id, with its name before or after it (dli-api 6.1)."""
    if prefix != "jobs/checkpoint/":
        return True
    return str(job_id) in re.split(r"[_\-]", key.removeprefix(prefix).split("/", 1)[0])
