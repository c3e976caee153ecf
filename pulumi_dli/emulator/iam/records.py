"""Who calls: IAM's tokens (Keystone v3) and the check of every DLI call (dli-api 2).

Without credentials on the command line every well-formed token or signature is accepted; with them, only those.
Tokens and signatures live by the wall clock: their makers do too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import Refusal, not_accepted
from pulumi_dli.emulator.core.messages import Body, Reply, read
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.iam import signing

TOKEN_SECONDS = 24 * 3600
DEFAULT_USER = "local-user"


@dataclass
class Token:
    """An issued token; the key of its row is the hash of it."""

    user: str
    project_id: str
    expires: float


@dataclass(frozen=True)
class Presented:
    """The parts of a request that authentication reads."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes


class Named(Body):
    """A user, a project or a token by its name or id."""

    name: str = ""
    id: str = ""
    password: str = ""


class Password(Body):
    user: Named


class Identity(Body):
    methods: list[str] = Field(default_factory=list)
    password: Password | None = None
    token: Named | None = None


class Scope(Body):
    project: Named | None = None


class Auth(Body):
    identity: Identity
    scope: Scope | None = None


class TokenRequest(Body):
    """Body of POST /v3/auth/tokens (dli-api 2.1)."""

    auth: Auth


class Iam:
    """Issues and checks."""

    def __init__(self, core: Core) -> None:
        self.credentials = core.settings.credentials
        self._tokens: Table[Token] = Table(core.store, "tokens", Token)

    def user_of(self, request: Presented, *, project_id: str) -> str:
        """The caller's name, or the service's 401 (403 for another project than the one that exists here)."""
        token = request.headers.get("x-auth-token")
        if token is not None:
            user = self._user_of_token(token, project_id)
        elif request.headers.get("authorization"):
            user = self._user_of_signature(request)
        else:
            raise Refusal(401, "DLI.0013", "X-Auth-Token is missing in the request header.")
        if project_id and self.credentials.project_id and project_id != self.credentials.project_id:
            raise Refusal(403, "DLI.0003", f"No permission on the project {project_id}.")
        return user

    def check_operator(self, request: Presented) -> None:
        """Control calls need the keys, when any are demanded: as HTTP Basic, or as a call of DLI brings them."""
        if self.credentials.strict and not self.has_basic(request.headers):
            self.user_of(request, project_id="")

    def has_basic(self, headers: Mapping[str, str]) -> bool:
        """Whether HTTP Basic names the access key with its secret, or the user with the password."""
        kind, _, encoded = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            return False
        wanted = self.credentials
        with_key = _same(user, wanted.access_key) and _same(password, wanted.secret_key)
        return with_key or (wanted.user in ("", user) and _same(password, wanted.password))

    def expire_tokens(self) -> None:
        """All issued tokens are too old from now on."""
        for key, token in list(self._tokens.rows.items()):
            token.expires = 0.0
            self._tokens.save(key, token)

    def _user_of_token(self, token: str, project_id: str) -> str:
        if not token.strip():
            raise Refusal(401, "DLI.0015", "The token is null.")
        known = self._tokens.rows.get(_hash(token))
        if known is not None:
            if known.expires <= time.time():
                raise not_accepted("APIGW.0307", "The token must be updated.")
            if project_id and known.project_id != project_id:
                raise Refusal(403, "DLI.0003", f"The token is not scoped to the project {project_id}.")
            return known.user
        if self.credentials.strict and not _same(token, self.credentials.token):
            raise not_accepted("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
        return self.credentials.user or DEFAULT_USER

    def _user_of_signature(self, request: Presented) -> str:
        try:
            signature = signing.parse(request.headers["authorization"])
            signing.check_date(request.headers.get("x-sdk-date", ""), now=time.time())
            if self.credentials.strict:
                self._check_signature(signature, request)
        except signing.SignatureError as error:
            raise not_accepted("APIGW.0301", f"Incorrect IAM authentication information: {error}") from error
        return self.credentials.user or DEFAULT_USER

    def _check_signature(self, signature: signing.Signature, request: Presented) -> None:
        wanted = self.credentials
        if not wanted.access_key or not _same(signature.access, wanted.access_key):
            raise signing.SignatureError("the access key does not exist")
        if wanted.security_token and not _same(request.headers.get("x-security-token", ""), wanted.security_token):
            raise signing.SignatureError("X-Security-Token is missing or wrong")
        signing.check(
            signature,
            secret=wanted.secret_key,
            method=request.method,
            raw_path=request.raw_path,
            raw_query=request.raw_query,
            headers=request.headers,
            body=request.body,
        )

    # IAM's own calls

    def issue(self, body: Any, *, base_url: str) -> Reply:
        """POST /v3/auth/tokens: the token is a header of the answer (dli-api 2.1)."""
        identity, project = _parts_of(body)
        user = self._identify(identity)
        name = project.name or "eu-de"
        project_id = self.credentials.project_id or (project.id or project_id_of(name))
        token = secrets.token_hex(32)
        now = time.time()
        self._tokens.save(_hash(token), Token(user, project_id, now + TOKEN_SECONDS))
        domain = {"id": hashlib.md5(b"local", usedforsecurity=False).hexdigest(), "name": "local"}
        shown = {
            "methods": identity.methods,
            "issued_at": _iso(now),
            "expires_at": _iso(now + TOKEN_SECONDS),
            "user": {"id": project_id_of(user), "name": user, "domain": domain, "password_expires_at": ""},
            "project": {"id": project_id, "name": name, "domain": domain},
            "roles": [{"id": "0", "name": "te_admin"}],
            "catalog": [_service_of(kind, url) for kind, url in (("dli", base_url), ("identity", base_url + "/v3"))],
        }
        return Reply(201, {"token": shown}, {"X-Subject-Token": token})

    def _identify(self, identity: Identity) -> str:
        if "password" in identity.methods and identity.password:
            given = identity.password.user
            user, wanted = given.name or given.id, self.credentials
            right = wanted.user in ("", user) and _same(given.password, wanted.password)
            if (wanted.strict and not right) or not user or not given.password:
                raise _iam_refusal(401, "The username or password is wrong.")
            return user
        if "token" in identity.methods and identity.token:
            try:
                return self._user_of_token(identity.token.id, "")
            except Refusal as error:
                raise _iam_refusal(401, "The token is invalid.") from error
        raise _iam_refusal(400, "Only the methods password and token are known here.")

    def projects(self, name: str) -> Reply:
        """GET /v3/projects?name=: the project of a region."""
        shown = name or "eu-de"
        project_id = self.credentials.project_id or project_id_of(shown)
        links = {"self": None, "next": None, "previous": None}
        project = {"id": project_id, "name": shown, "enabled": True, "domain_id": "local", "is_domain": False}
        return Reply(200, {"projects": [project], "links": links})


def versions(base_url: str) -> dict[str, Any]:
    """What keystoneauth1 asks for before it asks for a token."""
    links = [{"rel": "self", "href": f"{base_url}/v3/"}]
    return {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": links, "media-types": []}


def project_id_of(name: str) -> str:
    """A stable id for any name, in the form of real ones."""
    return hashlib.md5(f"project {name}".encode(), usedforsecurity=False).hexdigest()


def _parts_of(body: Any) -> tuple[Identity, Named]:
    try:
        auth = read(TokenRequest, body).auth
    except ValueError as error:
        raise _iam_refusal(400, "The request body is invalid.") from error
    return auth.identity, (auth.scope and auth.scope.project) or Named()


def _iam_refusal(status: int, message: str) -> Refusal:
    title = {400: "Bad Request", 401: "Unauthorized"}[status]
    refusal = Refusal(status, "", message)
    refusal.shape = {"error": {"code": status, "message": message, "title": title}}
    return refusal


def _service_of(kind: str, url: str) -> dict[str, Any]:
    endpoint = {"id": kind, "interface": "public", "region": "eu-de", "region_id": "eu-de", "url": url}
    return {"id": kind, "type": kind, "name": kind, "endpoints": [endpoint]}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
