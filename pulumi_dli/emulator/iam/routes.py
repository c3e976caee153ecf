"""What IAM offers to the control calls. Its own calls are not DLI's: `server/app.py` knows their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Service
from pulumi_dli.emulator.iam.records import Iam


def _expire_tokens(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    read(ControlBody, body)
    core.part(Iam).expire_tokens()
    return {}


SERVICE = Service(name="iam", operations=(), records=(Iam,), acts={"tokens.expire": _expire_tokens})
