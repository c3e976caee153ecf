"""docs/local-dli.md against the code: options, control calls, acts, packages of the page's examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pulumi_dli.emulator.__main__ import parser
from pulumi_dli.emulator.server import control
from pulumi_dli.emulator.services import ACTS, OPERATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "local-dli.md").read_text()
UNLISTED = {"--help", "--project-id", "--security-token", "--password"}  # of the group of credentials


def test_the_page_lists_every_option() -> None:
    options = {option for action in parser()._actions for option in action.option_strings if option.startswith("--")}
    assert sorted(option for option in options - UNLISTED if option not in PAGE) == []


@pytest.mark.parametrize("route", sorted({path for _, path in control.ROUTES}))
def test_the_page_lists_every_control_call(route: str) -> None:
    assert f" {route}`" in PAGE


@pytest.mark.parametrize("act", ACTS)
def test_the_page_lists_every_act(act: str) -> None:
    assert f"`{act}`" in PAGE


def test_the_page_lists_every_call_that_is_covered_and_no_other() -> None:
    table = PAGE.split("## What it covers")[1].split("## ")[0]
    listed = re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", table)
    assert sorted(listed) == sorted(operation.name for operation in OPERATIONS)


def test_the_picture_of_the_page_is_there_and_small() -> None:
    picture = Path(__file__).parents[2] / "docs" / "images" / "console.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 300_000
