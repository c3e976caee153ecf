"""The peer: terraform with a provider for DLI, where both are there (TERRAFORM, TERRAFORM_PROVIDER_DLI).

TERRAFORM is the binary (default: the one on PATH), TERRAFORM_PROVIDER_DLI the provider's binary, which must be named
`terraform-provider-huaweicloud`. It gets the same stack in its own language and the same phases.
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.scenarios import FailedError, Phase

_STACK = """
terraform {{
  required_providers {{
    huaweicloud = {{
      source = "huaweicloud/huaweicloud"
    }}
  }}
}}
provider "huaweicloud" {{
  region = "local"
  project_id = "peer"
  access_key = "local"
  secret_key = "local-secret"
  auth_url = "{url}/v3"
  endpoints = {{ dli = "{url}/", iam = "{url}/" }}
}}
variable "release" {{ type = string }}
variable "topic" {{ type = string }}
resource "huaweicloud_dli_queue" "bench" {{
  name = "bench"
  cu_count = {cus}
  queue_type = "general"
  feature = "basic"
  resource_mode = 1
}}
resource "huaweicloud_dli_package" "app" {{
  group_name = "benchgroup"
  type = "jar"
  object_path = "obs://bench/app.jar"
}}
resource "huaweicloud_dli_flinkjar_job" "bench" {{
  count = {jobs}
  name = "bench-${{count.index}}"
  queue_name = huaweicloud_dli_queue.bench.name
  cu_num = 2
  parallel_num = 1
  manager_cu_num = 1
  tm_cu_num = 1
  tm_slot_num = 1
  log_enabled = true
  obs_bucket = "bench"
  smn_topic = var.topic
  main_class = "org.example.Stream"
  entrypoint = "benchgroup/app.jar"
  entrypoint_args = "--number ${{count.index}} --version ${{var.release}}"
  depends_on = [huaweicloud_dli_package.app]
}}
"""
_WORDS = {
    "preview": ["plan"],
    "up": ["apply", "-auto-approve"],
    "refresh": ["apply", "-refresh-only", "-auto-approve"],
    "destroy": ["destroy", "-auto-approve"],
}


@dataclass(frozen=True)
class Peer:
    """The two binaries."""

    terraform: str
    provider: Path

    def stack(self, folder: Path, url: str, jobs: int) -> PeerStack:
        return PeerStack(self, folder / "peer", url, jobs)


class PeerStack:
    """One stack of the peer."""

    def __init__(self, peer: Peer, folder: Path, url: str, jobs: int) -> None:
        folder.mkdir()
        self._peer = peer
        self._folder = folder
        (folder / "main.tf").write_text(_STACK.format(url=url, jobs=jobs, cus=math.ceil(jobs * 2 / 16) * 16))
        settings = folder / "settings.tfrc"
        settings.write_text(
            f'provider_installation {{\n dev_overrides {{ "huaweicloud/huaweicloud" = "{peer.provider.parent}" }}\n'
            " direct {}\n}\n"
        )
        self._env = {**os.environ, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1"}

    def run(self, phase: Phase, width: int) -> machine.Ran:
        """One phase.

        Raises:
            FailedError: with the end of the output.
        """
        words = [self._peer.terraform, *_WORDS[phase.command], "-no-color", "-input=false", f"-parallelism={width}"]
        words += [f"-var=release={phase.version}", f"-var=topic={phase.topic}"]
        ran = machine.run(words, cwd=self._folder, env=self._env)
        if ran.status:
            raise FailedError(f"the peer failed with {ran.status}:\n{ran.output[-4000:]}")
        return ran


def find_peer() -> tuple[Peer | None, str]:
    """The peer, or None, with a line that says what was found."""
    terraform = os.environ.get("TERRAFORM") or shutil.which("terraform") or ""
    provider = Path(os.environ.get("TERRAFORM_PROVIDER_DLI") or "")
    if not terraform or not Path(terraform).is_file():
        return None, "peer: not found (TERRAFORM names no binary, and there is none on PATH)"
    if not provider.is_file():
        return None, "peer: not found (TERRAFORM_PROVIDER_DLI names no provider for DLI)"
    return Peer(terraform, provider), "peer: terraform with " + provider.name
