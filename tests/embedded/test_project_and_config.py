"""What surrounds an operation: project file, configuration, passphrase, backend, lock, export and import."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from pulumi.automation import CommandError, ConfigValue

from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.stack import Stack

from .engines import Embedded, toy

pytestmark = pytest.mark.slow  # part of `make test-full`


def test_config_is_stored_as_the_cli_stores_it_and_secrets_are_sealed(yard: Embedded) -> None:
    stack = yard.stack()
    stack.set_config("plain", ConfigValue("on"))
    stack.set_config("dli:token", ConfigValue("canary", secret=True))
    path = yard.project / "Pulumi.dev.yaml"
    text = path.read_text()
    assert "encryptionsalt: v1:" in text
    assert "toy:plain: " in text
    assert "secure: v1:" in text
    assert "canary" not in text
    values = yard.stack().get_all_config()
    assert {key: (item.value, item.secret) for key, item in values.items()} == {
        "toy:plain": ("on", False),
        "dli:token": ("canary", True),
    }
    with pytest.raises(CommandError, match="'toy:missing' not found"):
        stack.get_config("missing")


def test_config_values_reach_the_program_as_texts_and_the_provider_with_all_namespaces(yard: Embedded) -> None:
    stack = yard.stack()
    path = yard.project / "Pulumi.dev.yaml"
    path.write_text(path.read_text() + "config:\n  toy:flag: yes\n  toy:number: 3\n  toy:list: [1, {b: true, a: x}]\n")
    (yard.project / "Pulumi.yaml").write_text(
        "name: toy\nruntime: {name: python}\nconfig: {region: {default: south}}\n"
    )
    yard.plan(toy("a"), outputs={name: {"$config": name} for name in ("flag", "number", "list")})
    stack = yard.stack()
    stack.up()
    assert {key: item.value for key, item in stack.outputs().items()} == {
        "flag": "yes",
        "number": "3",
        "list": '[1,{"a":"x","b":true}]',
    }
    assert [state.outputs["region"] for state in yard.resources() if state.name == "a"] == ["south"]


def test_pulumi_yaml_names_the_program_and_asks_for_refreshes(yard: Embedded) -> None:
    (yard.project / "Pulumi.yaml").write_text("name: toy\nruntime: python\nmain: sub/\noptions: {refresh: always}\n")
    (yard.project / "sub").mkdir()
    for name in ("__main__.py", "toy.py"):
        (yard.project / name).rename(yard.project / "sub" / name)
    yard.plan(toy("a"))
    yard.run("up")
    assert ("refresh", "a") in yard.run("preview").steps
    assert ("refresh", "a") not in yard.run("preview", refresh=False).steps


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: toy\nruntime: nodejs\n", "the runtime 'nodejs'"),
        ("name: toy\nruntime: python\nbackend: {url: 's3://bucket'}\n", "the backend 's3://bucket'"),
        ("name: toy\nruntime: python\nmain: nowhere\n", "unable to find main python program"),
    ],
)
def test_other_projects_are_refused_by_name(yard: Embedded, text: str, words: str) -> None:
    (yard.project / "Pulumi.yaml").write_text(text)
    env = {key: value for key, value in yard.env.items() if key != "PULUMI_BACKEND_URL"}
    with pytest.raises(CommandError, match=words):
        Stack.create_or_select("dev", yard.project, env=env).preview()


def test_a_stack_needs_its_own_passphrase(yard: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.set_config("token", "x", secret=True)
    with pytest.raises(CommandError, match="incorrect passphrase"):
        Stack.create_or_select("dev", yard.project, env=yard.env, passphrase="other").preview()
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    with pytest.raises(CommandError, match="set PULUMI_CONFIG_PASSPHRASE"):
        Stack.create_or_select("dev", yard.project, backend_dir=yard.backend)
    secret = yard.home / "passphrase"
    secret.write_text("toys\n")
    env = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(secret)}
    stack = Stack.create_or_select("dev", yard.project, backend_dir=yard.backend, env=env)
    assert stack.get_config("token").value == "x"


def test_ciphers_open_what_they_sealed_and_nothing_else() -> None:
    first = Crypter("one", None)
    assert Crypter("one", first.salt).open(first.seal("text")) == "text"
    with pytest.raises(PassphraseError):
        Crypter("two", first.salt).seal("text")


def test_a_stack_in_use_is_locked_and_a_dead_ones_lock_is_taken_over(yard: Embedded) -> None:
    yard.plan(toy("a"))
    with yard.store().lock(print):
        assert "currently locked" in yard.run("up").text
        assert not yard.run("preview").failed
    locks = yard.backend / ".pulumi" / "locks" / "organization" / "toy" / "dev"
    dead = {"pid": 2**22 + 1, "username": "x", "hostname": socket.gethostname(), "timestamp": "t"}
    (locks / "dead.json").write_text(json.dumps(dead))
    taken = yard.run("up")
    assert not taken.failed
    assert "took over the lock" in taken.text
    (locks / "far.json").write_text(json.dumps({**dead, "pid": os.getpid(), "hostname": "elsewhere"}))
    assert "locked by x@elsewhere" in yard.run("up").text


def test_a_deployment_is_exported_and_imported(yard: Embedded) -> None:
    yard.plan(toy("a", token={"$secret": "canary"}))
    yard.run("up")
    exported = yard.stack().export_stack()
    assert "canary" not in json.dumps(exported.deployment)
    yard.run("destroy")
    yard.object_path("a-0").with_suffix(".json.gone").rename(yard.object_path("a-0"))
    yard.stack().import_stack(exported)
    assert yard.run("preview").changes == {"same": 2}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "pulumi:providers:aws"}, "the provider 'aws'"),
        ({"viewOf": "urn"}, "viewOf"),
    ],
)
def test_states_with_things_of_other_providers_are_refused(yard: Embedded, change: dict[str, str], words: str) -> None:
    yard.plan(toy("a"))
    yard.run("up")
    deployment = yard.deployment()
    next(record for record in deployment["resources"] if "providers" in record["type"]).update(change)
    yard.store().save(json.dumps(deployment))
    before = yard.store().path.read_text()
    assert words in yard.run("up").text
    assert yard.store().path.read_text() == before


def test_a_compressed_checkpoint_is_refused(yard: Embedded) -> None:
    yard.stack()
    Path(f"{yard.store().path}.gz").touch()
    with pytest.raises(CommandError, match="compressed checkpoints"):
        yard.stack()


def test_options_that_are_not_supported_are_refused(yard: Embedded) -> None:
    with pytest.raises(CommandError, match="does not support the option target"):
        yard.stack().up(target=["urn"])


def test_another_thread_can_cancel(yard: Embedded) -> None:
    gate = yard.home / "gate"
    yard.plan(toy("a", wait=str(gate)), toy("b", ref={"$ref": "a.id"}))
    stack = yard.stack()

    def listen(event: dict[str, object]) -> None:
        if event["kind"] == "diagnostic" and event["ephemeral"]:
            stack.cancel()
            gate.touch()

    with pytest.raises(CommandError, match="update cancelled"):
        stack.up(on_event=listen)
    assert yard.objects() == {"a-0"}
    assert {state.name for state in yard.resources() if not state.is_provider} == {"toy-dev", "a"}
