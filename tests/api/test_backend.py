"""Whose backend keeps the state: the same words mean the same backend, others another, and nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_dli.backend import backend_of
from pulumi_dli.config import resolve_connection
from pulumi_dli.lifecycle.ownership import owner_of

URN = "urn:pulumi:dev::proj::pulumi-python:dynamic/dli:Queue::q"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".pulumi").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    return tmp_path / "home"


def found(home: Path, project: str = "name: p\n", **environ: str) -> str:
    folder = home.parent / "project"
    (folder / "Pulumi.yaml").write_text(project)
    return backend_of({"PULUMI_PROJECT": "p", "HOME": str(home), **environ}, folder)


def log_in(folder: Path, url: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "credentials.json").write_text(json.dumps({"current": url, "accessTokens": {url: "secret"}}))


IN_PROJECT = "name: p\nbackend:\n  url: s3://states\n"


def test_the_environment_comes_first_then_the_project_then_the_login(home: Path) -> None:
    log_in(home / ".pulumi", "https://api.pulumi.com")
    assert found(home, IN_PROJECT, PULUMI_BACKEND_URL="azblob://states") == "azblob://states"
    assert found(home, IN_PROJECT) == "s3://states"
    assert found(home) == "https://api.pulumi.com"
    log_in(home / "other", "gs://states")
    assert found(home, PULUMI_HOME=str(home / "other")) == "gs://states"


@pytest.mark.parametrize(
    "project", ["name: p\nbackend: [\n", "name: p\nbackend: none\n", "# backend\nname: p\n", "- backend\n"]
)
def test_what_cannot_be_told_is_not_guessed(home: Path, project: str) -> None:
    assert found(home, project) == ""
    (home / ".pulumi" / "credentials.json").write_text("[")
    assert found(home, project) == ""
    assert backend_of({}, home) == "", "outside of a Pulumi program"


def test_one_folder_has_one_form(home: Path) -> None:
    (home / "states").mkdir()
    forms = ["file://~/states", "~/states", f"file://{home}/states/", f"{home}/x/../states", "file://../home/states"]
    assert {found(home, PULUMI_BACKEND_URL=form) for form in forms} == {f"file://{home}/states"}
    assert found(home, PULUMI_BACKEND_URL="https://host/") == found(home, PULUMI_BACKEND_URL="https://host")


def test_the_setting_stands_in_the_place_of_the_backend() -> None:
    config = {"dli:endpoint": "http://127.0.0.1:1", "dli:projectId": "p", "dli:token": "t"}
    environ = {"PULUMI_PROJECT": "p", "PULUMI_BACKEND_URL": "s3://states"}
    assert resolve_connection(config.get, environ).owner == "s3://states"
    assert resolve_connection({**config, "dli:owner": "team-a"}.get, environ).owner == "team-a"
    assert resolve_connection(config.get, {}).owner == ""


def test_another_owner_has_another_tag_and_none_the_one_of_before() -> None:
    tags = {owner_of("p", URN), owner_of("p", URN, "s3://a"), owner_of("p", URN, "s3://b"), owner_of("q", URN)}
    assert len(tags) == 4
    assert owner_of("48cc2c48", URN) == "017135928536179921c25a780380575f", "objects in use carry it"
    assert owner_of("p", "", "s3://a") == ""
