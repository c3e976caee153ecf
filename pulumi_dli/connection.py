"""What a connection to DLI is: which service, as whom, in which project. `config.py` says where it comes from.

`api/` uses a `Connection` and keys its registry of clients by it. Stdlib only, since stack programs import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pulumi_dli.errors import ConfigError

_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


@dataclass(frozen=True)
class AccessKey:
    """An access key, permanent or (with `security_token`) temporary."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Password:
    """An IAM user of a domain (by name, else by id); `project_name` scopes the token when no project id is known
    (dli-api 2.1).
    """

    user_name: str
    password: str = field(repr=False)
    domain_name: str | None
    project_name: str | None = None
    domain_id: str | None = None


@dataclass(frozen=True)
class Token:
    """A ready IAM token; it cannot be renewed."""

    token: str = field(repr=False)


Credentials = AccessKey | Password | Token


@dataclass(frozen=True)
class Connection:
    """Everything that decides which service is called, as whom, and how patiently. Hashable; its repr shows no secret.

    Attributes:
        endpoint: of DLI, such as `https://dli.eu-de.otc.t-systems.com`, without a slash at its end.
        credentials: an access key, an IAM user, or a ready token.
        project_id: None only with a `Password`: the token then names the project.
        region: None when only an endpoint was given.
        iam_endpoint: ends in `/v3`; needed with a `Password`.
        obs_endpoint: of the object storage, for uploads.
        ca_bundle: file of certificates to trust; None trusts what `requests` does.
        insecure: whether TLS certificates go unverified.
        connect_timeout_seconds, read_timeout_seconds: of one request. The service itself gives up after 2 minutes
            (dli-api 1.3), so that its own answer comes first.
        language: of the service's messages (`X-Language`, dli-api 1.1).
        poll_seconds: the first interval of a wait; it grows to ten times this.
        owner: what tells stacks of the same project and stack name apart; "" when nothing does.
        max_concurrency: how many requests of this process are under way at once, over all resources.
    """

    endpoint: str
    credentials: Credentials
    project_id: str | None = None
    region: str | None = None
    iam_endpoint: str | None = None
    obs_endpoint: str | None = None
    ca_bundle: str | None = None
    insecure: bool = False
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 130.0
    language: str = "en-us"
    poll_seconds: float = 1.0
    max_concurrency: int = 16
    owner: str = ""

    @property
    def project(self) -> str:
        """The project as the settings name it: by its id, else by its name; "" when they leave it to the token."""
        return str(self.project_id or getattr(self.credentials, "project_name", None) or "")

    @property
    def is_loopback(self) -> bool:
        """Whether the service runs on this machine."""
        return is_loopback(self.endpoint)


def is_loopback(address: str) -> bool:
    """Whether the host of an address is this machine."""
    return bool(_LOOPBACK.fullmatch(urlsplit(address).hostname or ""))


def must_be_at(place: Mapping[str, str], outs: Mapping[str, object], what: str) -> None:
    """Refuse to look for an object in another place than the one it was made in: there, it would look deleted.

    Args:
        place: `endpoint` and `project_id` of the connection, as far as they are known.
        outs: outputs of the object; they record the same two.

    Raises:
        ConfigError: names both places.
    """
    if all(outs.get(key) in (None, "", here) for key, here in place.items()):
        return
    raise ConfigError(
        f"{what} is in project {outs.get('project_id')} at {outs.get('endpoint')}, but this stack now connects to "
        f"project {place.get('project_id', 'unknown')} at {place.get('endpoint')}: set dli:projectId and dli:endpoint "
        "back, or give it a provider of its own (refresh and destroy use the settings that the state keeps: "
        "`--run-program` makes them use the current ones)"
    )
