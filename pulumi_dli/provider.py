"""Pulumi's calls (check, diff, create, read, update, delete), translated to the lifecycles and back.

The provider objects are pickled into the stack's state by module and class name. So these names are for ever, the
classes have no fields before `configure`, and this module is light: lifecycles and their libraries load when first
used, in the host.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from pulumi_dli import host, patience
from pulumi_dli.config import SECRET_SETTINGS, resolve_connection, unknown_settings
from pulumi_dli.connection import Connection, must_be_at
from pulumi_dli.errors import AuthError, ConfigError, MissingSettingError, OwnershipError

if TYPE_CHECKING:
    from pulumi_dli.lifecycle.contract import Lifecycle
    from pulumi_dli.lifecycle.operation_context import OperationContext
    from pulumi_dli.lifecycle.ownership import Claims
    from pulumi_dli.lifecycle.session import Session
    from pulumi_dli.specs import fields as spec_fields
    from pulumi_dli.specs.fields import Spec

_SECRET_PARTS = ("secret_key", "security_token", "password", "token")
_OLD_CREDENTIALS = (
    "{error}. If the credentials were changed lately: refresh and destroy use the ones kept in the state; "
    "`--run-program` makes them use the current ones (`pulumi refresh --run-program`)"
)


class DliProvider(ResourceProvider):
    """What all resources have in common. Subclasses name their lifecycle."""

    serialize_as_secret_always = False  # the 40 letters in the state are a class name, nothing secret

    def lifecycle(self) -> Lifecycle[Any]:
        """The lifecycle of this kind of resource."""
        raise NotImplementedError

    def derived_outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The outputs that repeat inputs under another name, with these: they are secret when such an input is."""
        derived: Mapping[str, tuple[str, ...]] = self.lifecycle().spec.declaration.derived
        return derived

    @host.answering
    def configure(self, req: ConfigureRequest) -> None:
        """Remember the settings. Nothing is connected to: previews work without credentials."""
        host.prepare()
        self._setting = req.config.get
        self._previewed: set[str] = set()
        self._connection: Connection | None = None
        self._problem: ConfigError | None = None
        host.mask(str(req.config.get(f"dli:{name}") or "") for name in SECRET_SETTINGS)
        for key, near in unknown_settings(host.setting_keys(req.config)).items():
            host.hint(f"there is no setting {key}" + (f"; did you mean {near}?" if near else ""))

    def connect(self) -> Session:
        """The session of the configured connection.

        Raises:
            ConfigError: a setting is missing or wrong.
        """
        from pulumi_dli.lifecycle.session import session_for  # noqa: PLC0415

        connection = self._resolved()
        if (mine := patience.current()) is not None:
            mine.place = connection.endpoint
        return session_for(connection)

    def _connect_where_it_is(self, outs: Mapping[str, Any]) -> Session:
        """The session for an object in the project where it was made.

        An `up` with a wrong project leaves that in the state, and refresh and destroy use the settings of the state.
        """
        from pulumi_dli.lifecycle.session import session_for  # noqa: PLC0415

        session, connection = self.connect(), self._resolved()
        project_id = outs.get("project_id")
        elsewhere = outs.get("endpoint") != connection.endpoint or not isinstance(project_id, str) or not project_id
        if elsewhere or project_id == session.project_id:
            return session
        return session_for(replace(connection, project_id=project_id))

    def _resolved(self) -> Connection:
        if self._problem is not None:
            raise self._problem
        if self._connection is None:
            try:
                connection = resolve_connection(self._setting, os.environ)
            except ConfigError as error:
                self._problem = error
                raise
            host.mask(str(getattr(connection.credentials, name, None) or "") for name in _SECRET_PARTS)
            self._connection = connection
        return self._connection

    def _check_settings(self, call: OperationContext, *, creates: bool) -> None:
        """Say once what the settings lack, before anything is created with them; previews work without credentials.

        Raises:
            ConfigError: one of them is wrong; once, since the first error ends the program.
        """
        try:
            self._resolved()
        except MissingSettingError as error:
            if creates and error.setting != "credentials" and _is_new(str(error)):
                call.warn(f"nothing can be created yet: {error}")
        except ConfigError as error:
            if _is_new(str(error)):
                raise

    def _must_be_at(self, olds: Mapping[str, Any], what: str) -> None:
        """A preview makes no call, but it sees that the settings now point somewhere else.

        Raises:
            ConfigError: names both places.
        """
        if place := self._place():
            must_be_at(place, olds, what)

    def _place(self) -> dict[str, str]:
        """Endpoint and project as the settings say; {} without credentials, with which previews work, too."""
        try:
            connection = self._resolved()
        except ConfigError:
            return {}
        place = {"endpoint": connection.endpoint, "project_id": connection.project_id}
        return {key: value for key, value in place.items() if value}

    def _claims(self) -> Claims:
        """The claims on names of the project that the settings name; without credentials they alone tell it."""
        from pulumi_dli.lifecycle.ownership import PROCESS_CLAIMS  # noqa: PLC0415

        try:
            connection = self._resolved()
        except ConfigError:
            settings = ("dli:region", "dli:projectId", "dli:projectName")
            where = {"endpoint": str(self._setting("dli:endpoint") or "")}
            return PROCESS_CLAIMS.at(where, project=str([self._setting(name) for name in settings]))
        return PROCESS_CLAIMS.at({"endpoint": connection.endpoint}, project=connection.project)

    @host.answering
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate the inputs and bring them to their one normal form; look for what a create would meet."""
        from pulumi_dli.lifecycle.contract import DiffRequest  # noqa: PLC0415
        from pulumi_dli.specs.fields import check  # noqa: PLC0415

        call, lifecycle = host.current_call(), self.lifecycle()
        self._check_settings(call, creates=not _olds)
        olds, given = _outputs(lifecycle, _olds), _fields(news)
        unknown = {name for name, value in given.items() if host.is_unknown(value)}
        # What a refresh found (`failed`) may come back through ignore_changes; `validate` says whether it may.
        inputs, failures = check(lifecycle.spec, given, unknown)
        if not failures:
            failures = lifecycle.validate({**self._place(), **olds}, inputs, unknown)
        if not failures:
            failures = _given_twice(call, lifecycle, self._claims(), inputs, unknown)
        self._previewed.add(call.urn)
        for name in host.secret_names(news).intersection(lifecycle.spec.declaration.id_from):
            call.warn(f"{name} is secret, but the id of this resource repeats it, and Pulumi keeps ids in clear text")
        if not failures and not olds:
            known = {name: value for name, value in inputs.items() if name not in unknown}
            lifecycle.preview_create(call, DiffRequest("", {}, known, unknown, (), self.connect))
        # Without the property: the engine prints its value, and any value may be a secret, which nobody tells us.
        return CheckResult(inputs, [CheckFailure("", f"{failure.field}: {failure.reason}") for failure in failures])

    @host.answering
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Which fields differ, and in one line on the resource what that does."""
        from pulumi_dli.lifecycle.contract import DiffRequest, diff_result  # noqa: PLC0415
        from pulumi_dli.lifecycle.ownership import PROCESS_CLAIMS, name_of, ways_of_two  # noqa: PLC0415
        from pulumi_dli.specs.fields import changes  # noqa: PLC0415

        call, lifecycle = host.current_call(), self.lifecycle()
        olds, news = _outputs(lifecycle, _olds), _fields(_news)
        unknown = {name for name, value in news.items() if host.is_unknown(value)}
        changed = changes(lifecycle.spec, olds, news, unknown)
        if call.urn and call.urn not in self._previewed:
            # The engine compares what a refresh has just read: there is no program yet, and so nothing to foresee.
            answer = diff_result(changed)
        else:
            self._must_be_at(olds, f"{call.name or 'the object'} ({_id})")
            holdings = lifecycle.holdings(_id, olds)
            PROCESS_CLAIMS.declare(holdings, urn=call.urn, outs=olds)
            if taker := PROCESS_CLAIMS.at(olds).taker(holdings, urn=call.urn):
                raise OwnershipError(
                    f"{name_of(taker)} would take over what this resource holds ({_id}), and is told to: no two "
                    f"resources can hold it. It belongs to {ways_of_two(call.name, f'give {name_of(taker)} another')}"
                )
            known = {name: value for name, value in news.items() if name not in unknown}
            answer = lifecycle.preview_update(call, DiffRequest(_id, olds, known, unknown, changed, self.connect))
            if answer.changed is not True and not changed and host.newly_secret(_olds, _news, self.derived_outputs):
                call.info("writes its outputs to the state anew: other inputs are secret now")
                answer = replace(answer, changed=True)
        # The successor first: it has another name, or, where a program forces a replacement, it takes the object over.
        # A queue cannot go before its jobs have moved, and a job deleted first would start anew without its state.
        return DiffResult(changes=answer.changed, replaces=list(answer.replaces), delete_before_replace=False)

    @host.answering
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create it and wait until it is up."""
        call, lifecycle = host.current_call(), self.lifecycle()
        made = lifecycle.create(call, self.connect(), _spec(lifecycle, _taken(props)))
        return CreateResult(made.id, dict(made.outs))

    @host.answering
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is there now; an empty id when it is gone."""
        call, lifecycle = host.current_call(), self.lifecycle()
        self._previewed.discard(call.urn)
        with _credentials_may_be_old():
            found = lifecycle.read(call, self._connect_where_it_is(props), id_, _outputs(lifecycle, props))
        if found is None:
            return ReadResult(None, {})
        if found.unhealthy:
            raise host.Unhealthy(found)
        return ReadResult(found.id, dict(found.outs), dict(found.inputs))

    @host.answering
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Bring it to what the program wants."""
        call, lifecycle = host.current_call(), self.lifecycle()
        olds, spec = _outputs(lifecycle, _taken(_olds)), _spec(lifecycle, _taken(_news))
        outs = lifecycle.update(call, self.connect(), _id, olds, spec)
        return UpdateResult(dict(outs))

    @host.answering
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete it; nothing to do when it is gone."""
        call, lifecycle = host.current_call(), self.lifecycle()
        with _credentials_may_be_old():
            lifecycle.delete(call, self._connect_where_it_is(_props), _id, _outputs(lifecycle, _props))


class DatasourceConnectionProvider(DliProvider):
    """Provider of `pulumi_dli.DatasourceConnection`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.connections.datasource_connection import (  # noqa: PLC0415
            DatasourceConnectionLifecycle,
        )

        return DatasourceConnectionLifecycle()


class QueueProvider(DliProvider):
    """Provider of `pulumi_dli.Queue`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.queues.queue import QueueLifecycle  # noqa: PLC0415

        return QueueLifecycle()


class ElasticResourcePoolProvider(DliProvider):
    """Provider of `pulumi_dli.ElasticResourcePool`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.pools.elastic_resource_pool import ElasticResourcePoolLifecycle  # noqa: PLC0415

        return ElasticResourcePoolLifecycle()


class PackageGroupProvider(DliProvider):
    """Provider of `pulumi_dli.PackageGroup`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.packages.package_group import PackageGroupLifecycle  # noqa: PLC0415

        return PackageGroupLifecycle()


class UploadedPackageProvider(DliProvider):
    """Provider of `pulumi_dli.UploadedPackage`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.packages.uploaded_package import UploadedPackageLifecycle  # noqa: PLC0415

        return UploadedPackageLifecycle()


class FlinkJarJobProvider(DliProvider):
    """Provider of `pulumi_dli.FlinkJarJob`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.jobs.flink_job import FlinkJarJobLifecycle  # noqa: PLC0415

        return FlinkJarJobLifecycle()


class FlinkSqlJobProvider(DliProvider):
    """Provider of `pulumi_dli.FlinkSqlJob`."""

    def lifecycle(self) -> Lifecycle[Any]:
        from pulumi_dli.lifecycle.jobs.flink_job import FlinkSqlJobLifecycle  # noqa: PLC0415

        return FlinkSqlJobLifecycle()


@contextlib.contextmanager
def _credentials_may_be_old() -> Iterator[None]:
    """Add to a refusal that refresh and destroy may have used credentials that are no longer valid."""
    try:
        yield
    except AuthError as error:
        raise ConfigError(_OLD_CREDENTIALS.format(error=error)) from error


def _given_twice(
    call: OperationContext,
    lifecycle: Lifecycle[Any],
    claims: Claims,
    inputs: Mapping[str, Any],
    unknown: Collection[str],
) -> list[spec_fields.CheckFailure]:
    """Two resources of one program would fight for one object."""
    from pulumi_dli.lifecycle.ownership import name_of  # noqa: PLC0415
    from pulumi_dli.specs.fields import CheckFailure  # noqa: PLC0415

    known = {field: value for field, value in inputs.items() if field not in unknown}
    return [
        CheckFailure(
            field, f"{name} is given by {name_of(other)} and by {call.name} of this program: give one of them another"
        )
        for kind, name, field in lifecycle.names(inputs, unknown)
        if (other := claims.name(kind, name, urn=call.urn, inputs=known))
    ]


_said: set[str] = set()


def _is_new(text: str) -> bool:
    """Whether this process says it for the first time: each kind of resource has a provider of its own."""
    new = text not in _said
    _said.add(text)
    return new


def _fields(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs or outputs as the lifecycles take them: integers are integers, what was not given is absent."""
    return {
        name: host.integers(value)
        for name, value in properties.items()
        if not name.startswith("__") and value is not None
    }


def _outputs(lifecycle: Lifecycle[Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a state holds, as `_fields`, under today's names whatever version wrote it."""
    fields: dict[str, Any] = lifecycle.spec.declaration.with_current_names(_fields(properties))
    return fields


def _taken(properties: dict[str, Any]) -> dict[str, Any]:
    """As `_fields`, and nothing but `__provider` stays in the bag, which the host holds for as long as a call lasts."""
    fields = _fields(properties)
    provider = {name: value for name, value in properties.items() if name == "__provider"}
    properties.clear()
    properties.update(provider)
    return fields


def _spec(lifecycle: Lifecycle[Any], fields: Mapping[str, Any]) -> Spec:
    def spec() -> Spec:
        made: Spec = lifecycle.spec.of(fields)
        _ = made.inputs  # made here, and kept
        return made

    return host.run_on_pool(spec)


__all__ = [
    "DatasourceConnectionProvider",
    "DliProvider",
    "ElasticResourcePoolProvider",
    "FlinkJarJobProvider",
    "FlinkSqlJobProvider",
    "PackageGroupProvider",
    "QueueProvider",
    "UploadedPackageProvider",
]
