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


def test_config_values_reach_the_program_as_texts_and_the_provider_with_all_namespaces(yard: Embedded) -> None:
    path = yard.project / "Pulumi.dev.yaml"
    path.write_text("config:\n  toy:flag: yes\n  toy:number: 3\n  toy:no: false\n")
    (yard.project / "Pulumi.yaml").write_text(
        "name: toy\nruntime: {name: python}\nconfig: {region: {default: south}}\n"
    )
    yard.plan(toy("a"), outputs={name: {"$config": name} for name in ("flag", "number", "no")})
    stack = yard.stack()
    stack.up()
    assert {key: item.value for key, item in stack.outputs().items()} == {
        "flag": "yes",
        "number": "3",
        "no": "false",
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
        ("name: toy\nruntime: python\nbackend: {url: 's3://bucket'}\n", "`backend`"),
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
        Stack.create_or_select("dev", yard.project, env={**yard.env, "PULUMI_CONFIG_PASSPHRASE": "other"}).preview()
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    with pytest.raises(CommandError, match="set PULUMI_CONFIG_PASSPHRASE"):
        Stack.create_or_select("dev", yard.project, backend_dir=yard.backend)
    secret = yard.home / "passphrase"
    secret.write_text("toys\n")
    env = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(secret)}
    stack = Stack.create_or_select("dev", yard.project, backend_dir=yard.backend, env=env)
    assert stack.get_all_config()["toy:token"].value == "x"


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
    yard.run("up")
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


def test_a_preview_writes_nothing(yard: Embedded) -> None:
    before = {path for path in yard.home.rglob("*") if "__pycache__" not in path.parts}
    yard.plan(toy("a", token={"$secret": "x"}))
    assert not yard.run("preview").failed
    after = {path for path in yard.home.rglob("*") if "__pycache__" not in path.parts}
    assert {path.name for path in after - before} <= {"calls.jsonl"}
    assert yard.stack().outputs() == {}


def test_state_and_configuration_are_for_their_owner_only(yard: Embedded) -> None:
    file = yard.project / "Pulumi.dev.yaml"
    file.write_text("{}\n")
    file.chmod(0o644)
    yard.set_config("token", "x", secret=True)
    yard.run("up")
    written = [file, *(path for path in yard.backend.rglob("*") if path.is_file())]
    assert yard.store().path in written
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {"0o600"}


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", ".", "", "a b", "x" * 101])
def test_names_of_stacks_and_projects_cannot_lead_elsewhere(yard: Embedded, name: str) -> None:
    with pytest.raises(CommandError, match="no name of a stack"):
        Stack.create_or_select(name, yard.project, env=yard.env).up()
    (yard.project / "Pulumi.yaml").write_text(f"name: '{name}'\nruntime: python\n")
    with pytest.raises(CommandError, match="no name of a project"):
        yard.stack().up()
    assert not list(yard.home.parent.glob("**/evil*"))


@pytest.mark.parametrize("text", ["~", "null", "", "1.0", "1e10", "2026-11-28", "012", "0x1F", "1_000", ".inf", "True"])
def test_unquoted_values_that_yaml_reads_in_two_ways_are_refused(yard: Embedded, text: str) -> None:
    (yard.project / "Pulumi.dev.yaml").write_text(f"config:\n  toy:odd: {text}\n")
    with pytest.raises(CommandError, match=r"the unquoted value of config.toy:odd"):
        yard.stack().preview()
    (yard.project / "Pulumi.dev.yaml").write_text(f"config:\n  toy:odd: '{text}'\n")
    assert yard.stack().get_all_config()["toy:odd"].value == text
    yard.stack().set_config("other", ConfigValue(text))
    assert yard.stack().get_all_config()["toy:other"].value == text


def test_a_file_with_comments_keeps_them(yard: Embedded) -> None:
    file = yard.project / "Pulumi.dev.yaml"
    file.write_text("# ours\nconfig:\n  toy:a: b  # why\n")
    assert not yard.run("up").failed
    assert file.read_text().startswith("# ours\nconfig:\n  toy:a: b  # why\nencryptionsalt: v1:")
    before = file.read_text()
    with pytest.raises(CommandError, match="a file with comments"):
        yard.set_config("c", "d")
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("Pulumi.yaml", "name: toy\nruntime: python\nrequiredPulumiVersion: '>=3'\n", "`requiredPulumiVersion`"),
        ("Pulumi.yaml", "name: toy\nruntime: python\nstackConfigDir: x\n", "`stackConfigDir`"),
        ("Pulumi.yaml", "name: toy\nruntime: {name: python, options: {virtualenv: v}}\n", "`options`"),
        ("Pulumi.yaml", "name: toy\nruntime: python\noptions: {other: 1}\n", "`other`"),
        ("Pulumi.yaml", "name: toy\nruntime: python\nconfig: {a: {type: array}}\n", "config.a"),
        ("Pulumi.yaml", "name: toy\nruntime: python\nconfig: {a: {secret: true}}\n", "`secret`"),
        (
            "Pulumi.yaml",
            "name: toy\nruntime: python\nconfig: {a: {type: integer}}\n",
            "is missing configuration value 'a'",
        ),
        (
            "Pulumi.yaml",
            "name: toy\nruntime: python\nconfig: {a: {type: boolean, default: x}}\n",
            "must be of type 'boolean'",
        ),
        ("Pulumi.yaml", "name: [\n", "is not YAML"),
        ("Pulumi.yaml", "- a\n", "must be a mapping"),
        ("Pulumi.dev.yaml", "environment: [prod]\n", "`environment`"),
        ("Pulumi.dev.yaml", "config: {toy:a: [1]}\n", "a list or an object as config.toy:a"),
        ("Pulumi.dev.yaml", "secretsprovider: awskms://x\n", "`secretsprovider`"),
        ("Pulumi.dev.yaml", "config: {toy:a: 1, toy:a: 2}\n", "is not YAML"),
        ("Pulumi.dev.yaml", "encryptionsalt: nonsense\n", "is malformed"),
    ],
)
def test_files_that_ask_for_more_are_refused_by_name(yard: Embedded, file: str, text: str, words: str) -> None:
    (yard.project / file).write_text(text)
    with pytest.raises(CommandError, match=words) as refused:
        yard.stack().preview()
    assert "Traceback" not in str(refused.value)


def test_a_declared_key_must_have_its_type(yard: Embedded) -> None:
    (yard.project / "Pulumi.yaml").write_text("name: toy\nruntime: python\nconfig: {a: {type: integer, default: 1}}\n")
    yard.plan(outputs={"a": {"$config": "a"}})
    assert yard.stack().up().outputs["a"].value == "1"
    yard.set_config("a", "many")
    assert "with configuration key 'a' must be of type 'integer'" in yard.run("up").text
    yard.set_config("a", "2")
    assert yard.stack().up().outputs["a"].value == "2"


def test_a_broken_state_or_parallelism_is_one_sentence(yard: Embedded) -> None:
    yard.run("up")
    yard.env["PULUMI_PARALLEL"] = "abc"
    assert "--parallel (PULUMI_PARALLEL) must be a whole number" in yard.run("preview").text
    del yard.env["PULUMI_PARALLEL"]
    good = yard.store().path.read_text()
    yard.store().path.write_text(good[:-20])
    with pytest.raises(CommandError, match="is not JSON"):
        yard.stack()
    yard.store().path.write_text(good.replace('"urn":', '"created":'))
    assert "the state is malformed" in yard.run("preview").text


def test_another_stacks_deployment_is_not_imported(yard: Embedded) -> None:
    yard.plan(toy("a"))
    yard.run("up")
    exported = yard.stack().export_stack()
    other = Stack.create_or_select("other", yard.project, env=yard.env)
    other.set_config("x", ConfigValue("y"))
    with pytest.raises(CommandError, match="is from a different stack"):
        other.import_stack(exported)
    assert not other.export_stack().deployment.get("resources")


FAR = "https://dli.eu-de.otc.t-systems.com"


@pytest.mark.parametrize(
    "settings",
    [
        {"dli:endpoint": FAR},
        {"dli:endpoint": FAR, "dli:accessKey": "a", "dli:secretKey": "s", "dli:projectId": "p"},
        {"dli:region": "eu-de"},
        {"dli:endpoint": "http://127.0.0.1:1", "dli:obsEndpoint": "https://obs.eu-de.otc.t-systems.com"},
        {"dli:endpoint": "http://127.0.0.1.example.com"},
    ],
)
def test_a_stack_that_leads_beyond_this_machine_is_not_operated(yard: Embedded, settings: dict[str, str]) -> None:
    for key, value in settings.items():
        yard.set_config(key, value)
    yard.plan(toy("a"))
    for what in ("preview", "up"):
        done = yard.run(what)
        assert done.failed
        assert "install the Pulumi CLI" in done.text
    assert yard.calls() == []


def test_the_environment_and_explicit_providers_may_not_lead_beyond_this_machine(yard: Embedded) -> None:
    far = {"name": "far", "kind": "Provider", "props": {"dli:endpoint": FAR}}
    yard.plan(far, toy("a", {"provider": "far"}))
    done = yard.run("up")
    assert "install the Pulumi CLI" in done.text
    assert yard.objects() == set()
    assert "pending_operations" not in yard.deployment()
    yard.plan(toy("a"))
    yard.env |= {"OS_REGION_NAME": "eu-de", "OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "OS_PROJECT_ID": "p"}
    assert "install the Pulumi CLI" in yard.run("up").text
    for key, value in {"endpoint": "http://localhost:1", "accessKey": "a", "secretKey": "s", "projectId": "p"}.items():
        yard.set_config(f"dli:{key}", value)
    assert not yard.run("up").failed


def test_a_state_that_leads_beyond_this_machine_is_left_alone(yard: Embedded) -> None:
    yard.set_config("dli:endpoint", "http://127.0.0.1:1")
    yard.plan(toy("a"))
    yard.run("up")
    yard.calls()
    yard.store().save(json.dumps(yard.deployment()).replace("http://127.0.0.1:1", FAR))
    for what in ("refresh", "destroy"):
        assert "install the Pulumi CLI" in yard.run(what).text
    assert yard.calls() == []
