"""`Provider`: settings of its own for some resources, and how a program's functions find theirs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.config import SECRET_SETTINGS, resolve_connection
from pulumi_dli.errors import DliError

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient


class Provider(pulumi.ProviderResource):
    """Region, project and credentials of its own, for the resources that name it.

        swiss = pulumi_dli.Provider("swiss", region="eu-ch2", project_id="…", access_key=…, secret_key=…)
        queue = pulumi_dli.Queue("fast", cu_count=16, opts=pulumi.ResourceOptions(provider=swiss))

    What is not given here comes from the environment, not from the stack's `dli:` settings. Secrets are stored
    encrypted.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        project_name: pulumi.Input[str] | None = None,
        access_key: pulumi.Input[str] | None = None,
        secret_key: pulumi.Input[str] | None = None,
        security_token: pulumi.Input[str] | None = None,
        user_name: pulumi.Input[str] | None = None,
        password: pulumi.Input[str] | None = None,
        domain_name: pulumi.Input[str] | None = None,
        domain_id: pulumi.Input[str] | None = None,
        token: pulumi.Input[str] | None = None,
        auth_url: pulumi.Input[str] | None = None,
        endpoint: pulumi.Input[str] | None = None,
        obs_endpoint: pulumi.Input[str] | None = None,
        ca_bundle: pulumi.Input[str] | None = None,
        insecure: pulumi.Input[bool] | None = None,
        connect_timeout: pulumi.Input[float] | None = None,
        read_timeout: pulumi.Input[float] | None = None,
        poll_seconds: pulumi.Input[float] | None = None,
        max_concurrency: pulumi.Input[int] | None = None,
        cloud: pulumi.Input[str] | None = None,
        owner: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a provider. The settings are those of the stack: docs/settings.md lists them."""
        given = {
            "region": region,
            "projectId": project_id,
            "projectName": project_name,
            "accessKey": access_key,
            "secretKey": secret_key,
            "securityToken": security_token,
            "userName": user_name,
            "password": password,
            "domainName": domain_name,
            "domainId": domain_id,
            "token": token,
            "authUrl": auth_url,
            "endpoint": endpoint,
            "obsEndpoint": obs_endpoint,
            "caBundle": ca_bundle,
            "insecure": insecure,
            "connectTimeout": connect_timeout,
            "readTimeout": read_timeout,
            "pollSeconds": poll_seconds,
            "maxConcurrency": max_concurrency,
            "cloud": cloud,
            "owner": owner,
        }
        self._settings = {f"dli:{name}": value for name, value in given.items() if value is not None}
        props = {
            key: pulumi.Output.secret(value) if key.removeprefix("dli:") in SECRET_SETTINGS else value
            for key, value in self._settings.items()
        }
        # "pulumi-python" is the one package of all dynamic providers written in Python.
        super().__init__("pulumi-python", resource_name, props, opts)

    @property
    def settings(self) -> pulumi.Output[Mapping[str, Any]]:
        """The settings by their full keys, for functions that run in the program."""
        return pulumi.Output.all(**self._settings).apply(dict)

    @property
    def plain_settings(self) -> Mapping[str, Any]:
        """The same without waiting.

        Raises:
            RunError: one of them is an output of another resource; use the `_output` form of the function.
        """
        if late := [key for key, value in self._settings.items() if isinstance(value, pulumi.Output)]:
            raise pulumi.RunError(
                f"{late[0]} of this provider is an output: use the _output form of the function, which waits for it"
            )
        return self._settings


_warned: set[tuple[str, str]] = set()  # stacks: one process may run several


def warn_of_plain_secrets() -> None:
    """Say once, in the preview, that a secret of the stack's settings is stored in clear text."""
    stack = (pulumi.get_project(), pulumi.get_stack())
    if stack in _warned:
        return
    _warned.add(stack)
    config = pulumi.Config("dli")
    for name in SECRET_SETTINGS:
        if config.get(name) and not pulumi.runtime.is_config_secret(f"dli:{name}"):
            pulumi.log.warn(
                f"dli:{name} stands in clear text in the stack's configuration: "
                f"`pulumi config set --secret dli:{name} <value>` encrypts it"
            )


def program_client(settings: Mapping[str, Any] | None) -> DliClient:
    """The client of a program's functions: by these settings, else by the stack's own.

    Raises:
        RunError: a setting is missing or wrong.
    """
    from pulumi_dli.api.client import client_for  # noqa: PLC0415  (heavy: only programs that ask for something pay)

    stack = pulumi.Config("dli")

    def setting(key: str) -> Any:
        return settings.get(key) if settings is not None else stack.get(key.removeprefix("dli:"))

    try:
        return client_for(resolve_connection(setting, os.environ))
    except DliError as error:
        raise pulumi.RunError(str(error)) from None
