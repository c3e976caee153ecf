"""The checks of the service, of IAM and OBS: they only read, but for `--authorize`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.network import proxy_to
from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.api.queues import Queue
from pulumi_dli.api.responses import Response
from pulumi_dli.connection import AccessKey, Password
from pulumi_dli.doctor import rights
from pulumi_dli.doctor.case import POLICY, Case
from pulumi_dli.doctor.checks import Check, Line, fails, ok, unknown, warning
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConfigError,
    DliError,
    NotFoundError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnsentRequestError,
)

_NOTICED_SECONDS = 60.0
_BORNE_SECONDS = 900.0  # gateways usually bear 15 minutes (dli-api 2.2)
_RESERVED_AGENCIES = ("dli_admin_agency", "dli_management_agency", "dli_data_clean_agency")  # dli-api 2.4
_AGENCY_SCOPES = "rights of the bucket; a change of an agency takes 15 to 30 minutes"
_NOWHERE = "pulumi-dli-doctor/"  # a prefix that no bucket has: listing it is quick


def endpoint(case: Case) -> Iterator[Line]:
    """Whether something that speaks like DLI answers, and how the way there is protected."""
    address = case.connection.endpoint
    host, proxy = urlsplit(address).netloc, proxy_to(address)
    outcome, transport = case.reach()
    if isinstance(outcome, UnsentRequestError | UnknownOutcomeError):
        yield fails(str(outcome), "check dli:endpoint, dli:region, the network and its proxy")
        return
    if isinstance(outcome, ConfigError):
        yield fails(str(outcome), "correct the setting")
        return
    if _is_foreign(outcome):
        said = f": {outcome}" if isinstance(outcome, DliError) else ""
        yield fails(f"{host} answers, but not as DLI does{said}", "check dli:endpoint and the proxy")
        return
    yield ok(f"{host} answers{f', through the proxy {proxy}' if proxy else ''}")
    if case.connection.insecure and address.startswith("https:"):
        yield warning("its TLS certificate is not verified", "take dli:insecure away; dli:caBundle names an authority")
    elif address.startswith("https:"):
        yield ok("its TLS certificate is trusted")
    else:
        yield ok("no TLS: the service is on this machine")
    told = transport.service_time
    if told is None:
        yield unknown("the service tells no time")
    else:
        signed = isinstance(case.connection.credentials, AccessKey)
        yield clock_line(told - time.time(), signed=signed, local=case.connection.is_loopback)


def _is_foreign(outcome: Response | DliError) -> bool:
    """Whether this is what another service than DLI says: its own errors, and those of its gateway, have a code."""
    if isinstance(outcome, Response):
        return not (isinstance(outcome.value, Mapping) and "queues" in outcome.value)
    if isinstance(outcome, UnexpectedAnswerError):
        return True
    return isinstance(outcome, ApiError) and not outcome.code and outcome.status in (*range(300, 400), 400, 404, 405)


def clock_line(skew_seconds: float, *, signed: bool, local: bool) -> Line:
    """What a difference between the service's clock and ours means. A local DLI's may run fast."""
    minutes = abs(skew_seconds) / 60
    off = f"this machine's clock is {minutes:.0f} minutes {'behind' if skew_seconds > 0 else 'ahead of'} the service's"
    if abs(skew_seconds) < _NOTICED_SECONDS:
        return ok("this machine's clock agrees with the service's")
    if local:
        return warning(off, "nothing, if this local DLI runs on a fast clock")
    if signed and abs(skew_seconds) >= _BORNE_SECONDS:
        return fails(f"{off}: signatures carry the time, and are refused", "set the clock (NTP)")
    return warning(off, "set the clock (NTP)")


def credentials(case: Case) -> Iterator[Line]:
    """Whether the service takes them."""
    outcome = case.outcome(rights.QUEUES.read)
    password = isinstance(case.connection.credentials, Password)
    if isinstance(outcome, AuthError) and (outcome.status == 401 or outcome.path.endswith("/auth/tokens")):
        yield fails(f"refused: {outcome}", "correct the credential in the place that `settings` names")
    elif isinstance(outcome, UnsentRequestError | UnknownOutcomeError | ConfigError):
        yield fails(f"{outcome}", "check dli:authUrl and the network" if password else "check the credential")
    elif isinstance(outcome, AuthError | UnexpectedAnswerError) or not isinstance(outcome, DliError):
        yield ok("accepted, as a token of IAM" if password else "accepted")
    else:
        yield unknown(f"the service did not say: {outcome}", "run it again")


def project(case: Case) -> Iterator[Line]:
    """Whether the project is the one that the credential is for."""
    outcomes = [case.outcome(family.read) for family in rights.FAMILIES]
    published = [each for each in outcomes if not (isinstance(each, DliError) and is_unsupported(each))]
    refused = next((each for each in published if isinstance(each, AuthError)), None)
    if refused is not None and all(isinstance(each, AuthError) for each in published):
        step = "dli:projectId must be a project of the credential's account, in this region (console: My Credentials)"
        yield fails(f"every call is refused in project {case.connection.project_id}: {refused}", step)
    elif any(not isinstance(each, DliError) for each in outcomes):
        named = "" if case.connection.project_id else ", which the token names"
        yield ok(f"the credential is good for project {case.transport.project_id}{named}")
    else:
        yield unknown(f"no call told whether the credential is good for it: {outcomes[0]}", "run it again")


def queues(case: Case) -> Iterator[Line]:
    """The queues, or the one that was named: pool, CUs, versions."""
    found = [queue for queue in case.queues if case.queue.lower() in ("", queue.queue_name.lower())]
    if case.queue and not found:
        yield fails(f"there is no queue {case.queue}", "let the program declare it, or name another one")
    elif not any(_runs_jobs(queue) for queue in found):
        yield warning("there is no queue for general use, which jobs need", "let the program declare one")
    for queue in found:
        if queue.elastic_resource_pool_name or not _runs_jobs(queue):
            yield ok(_described(queue))
        else:
            yield warning(
                f"{_described(queue)}: jobs there can name no agency, so Flink 1.15 and later keep no state",
                "use a queue in an elastic resource pool, or Flink 1.12",
            )


def _runs_jobs(queue: Queue) -> bool:
    return queue.queue_type in (None, "general")


def _described(queue: Queue) -> str:
    pool = queue.elastic_resource_pool_name
    versions = ", ".join(queue.support_flink_jar_versions) or "of unknown versions"
    runs = f", Flink {versions}" if _runs_jobs(queue) else ", which runs no jar jobs"
    kind = f"{queue.queue_type or 'unknown type'}, {queue.cu_count or '?'} CUs"
    return f"{queue.queue_name}: {kind}, {f'in the pool {pool}' if pool else 'in no pool'}{runs}"


def agency(case: Case) -> Iterator[Line]:
    """What may be said of the agency that jobs name; whether it exists only a job tells (dli-api 15)."""
    pooled = any(queue.elastic_resource_pool_name for queue in case.queues if _runs_jobs(queue))
    if not case.agency:
        text = "none was named: Flink 1.15 and later make no checkpoints, savepoints or logs without"
        yield unknown(text, "--agency NAME checks the one that the program names")
    elif case.agency in _RESERVED_AGENCIES:
        yield fails(f"{case.agency} is one of DLI's own, which jobs cannot name", "make an agency of your own for DLI")
    elif not pooled:
        text = f"no queue for general use is in an elastic resource pool: no job can name {case.agency}"
        yield warning(text, "put the queue of the job into a pool")
    else:
        yield unknown(
            f"{case.agency}: no read tells whether it is there and what it allows",
            f"it needs {_AGENCY_SCOPES}; --probe",
        )


def bucket(case: Case) -> Iterator[Line]:
    """Whether OBS shows the bucket to this credential."""
    if not case.bucket:
        yield unknown("none was named", "--bucket NAME checks the one for checkpoints, savepoints and jars")
        return
    try:
        ObsUploads(case.connection, purpose="Looking at a bucket").listed(case.bucket, _NOWHERE)
    except NotFoundError:
        yield fails(f"there is no bucket {case.bucket}", "create it in the region of the project, or name another one")
    except AuthError as error:
        yield fails(f"{case.bucket}: {error}", "give this credential the rights to list and write its objects")
    except UnsentRequestError as error:
        yield fails(str(error), "check dli:obsEndpoint, the network and its proxy")
    except ConfigError as error:
        yield unknown(f"{case.bucket}: {error}")
    else:
        yield ok(f"{case.bucket}: this credential may list it")


def authorised(case: Case) -> Iterator[Line]:
    """Whether the service may use the bucket: no read tells, and authorising it twice harms nothing (dli-api 2.4)."""
    if not case.authorize:
        step = "--authorize lets it (obs-authorize)" if case.bucket else ""
        yield unknown("no read tells whether DLI may use it", step)
        return
    try:
        DliClient(case.connection, policy=POLICY).obs_authorize([case.bucket])
    except ApiError as error:
        yield fails(f"DLI may not use {case.bucket}: {error}", "let the owner of the account authorise it (console)")
    else:
        yield ok(f"DLI may use {case.bucket}")


CHECKS = (
    Check("endpoint", endpoint, ("connection",)),
    Check("credentials", credentials, ("endpoint",)),
    Check("project", project, ("credentials",)),
    Check("api", rights.families, ("project",)),
    Check("rights", rights.rights, ("project",)),
    Check("queues", queues, ("project",)),
    Check("agency", agency, ("project",)),
    Check("bucket", bucket, ("connection",)),
    Check("bucket use", authorised, ("project", "bucket")),
)
