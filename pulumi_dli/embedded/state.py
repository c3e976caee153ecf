"""The record of one resource, and its JSON form in a version 3 deployment.

Used by the planning and the checkpoint; holds no logic of its own beyond what a record depends on.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.values import (
    REFERENCE,
    SECRET,
    SIGNATURE,
    UNKNOWN_TEXT,
    Props,
    Reference,
    Secret,
    Unknown,
    refuse,
    special,
)

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:pulumi-python"


@dataclass(eq=False)
class State:
    """One resource as the checkpoint holds it. Compared by identity: one URN may have several records."""

    urn: str
    type: str
    custom: bool = False
    delete: bool = False
    id: str = ""
    inputs: Props = field(default_factory=dict)
    outputs: Props = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    dependencies: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    provider: str = ""
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    pending_replacement: bool = False
    additional_secret_outputs: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    import_id: str = ""
    retain_on_delete: bool = False
    deleted_with: str = ""
    created: str = ""
    modified: str = ""
    source_position: str = ""
    stack_trace: list[Any] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")

    @property
    def is_default_provider(self) -> bool:
        return self.is_provider and self.name.startswith("default")

    @property
    def reference(self) -> str:
        """How users of this provider name it."""
        return f"{self.urn}::{self.id}"

    def needs(self) -> Iterator[str]:
        """The URNs this resource depends on, its parent not among them."""
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns
        if self.deleted_with:
            yield self.deleted_with
        if self.provider:
            yield self.provider.rpartition("::")[0]

    def copied(self) -> State:
        return copy.copy(self)


def now() -> str:
    """This moment as the checkpoint writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json_name(name: str) -> str:
    return "importID" if name == "import_id" else re.sub(r"_(.)", lambda found: found[1].upper(), name)


_JSON_NAMES = {name: _json_name(name) for name in State.__dataclass_fields__}


def to_json(state: State, crypter: Crypter | None = None) -> Props:
    """The record for the checkpoint; empty fields are left out, as the CLI does."""
    record: Props = {}
    for name, value in vars(state).items():
        if name in ("inputs", "outputs"):
            if value:
                record[name] = seal(value, crypter)
        elif name == "custom" or value:
            record[_JSON_NAMES[name]] = value
    return record


def from_json(record: Mapping[str, Any], crypter: Crypter) -> State:
    """The resource that a record of the checkpoint describes."""
    known = {json_name: name for name, json_name in _JSON_NAMES.items()}
    others = [key for key, value in record.items() if value and key not in known]
    if others:
        raise refuse(f"what the state holds of {record.get('urn')}: {', '.join(others)}")
    fields = {known[key]: value for key, value in record.items() if key in known}
    for name in ("inputs", "outputs"):
        fields[name] = unseal(fields.get(name, {}), crypter)
    return State(**fields)


def seal(value: Any, crypter: Crypter | None) -> Any:
    """`value` as JSON, its secrets encrypted; a preview shows what is not known yet by its mark."""
    match value:
        case Secret() if crypter:
            if value.sealed is None:
                text = json.dumps(seal(value.value, crypter), separators=(",", ":"), sort_keys=True)
                value.sealed = crypter.seal(text)
            return {SIGNATURE: SECRET, "ciphertext": value.sealed}
        case Reference():
            found = {SIGNATURE: REFERENCE, "urn": value.urn}
            return found if value.id is None else {**found, "id": value.id}
        case Unknown():
            return None if crypter else UNKNOWN_TEXT
        case dict():
            return {key: seal(value[key], crypter) for key in sorted(value)}
        case list():
            return [seal(item, crypter) for item in value]
        case _:
            return value


def unseal(value: Any, crypter: Crypter) -> Any:
    """The value that a JSON text of the checkpoint holds."""
    if isinstance(value, list):
        return [unseal(item, crypter) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        if "plaintext" in value:  # `stack export --show-secrets` writes these, and `stack import` takes them
            return Secret(unseal(json.loads(value["plaintext"]), crypter))
        return Secret(unseal(json.loads(crypter.open(value["ciphertext"])), crypter), value["ciphertext"])
    return special({key: unseal(item, crypter) for key, item in value.items()})
