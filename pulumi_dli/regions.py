"""Where the public regions live: their names, and the addresses of DLI, IAM and OBS that follow from one.

A region that is not in this table has no address that could be guessed: other partners of Huawei Cloud run the service
under domains of their own. `config.py` asks for the address there. Stdlib only, since stack programs import it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from pulumi_dli.errors import ConfigError

_OTC = "otc.t-systems.com"
_HUAWEI = "myhuaweicloud.com"

# Open Telekom Cloud: dli-api 2.1, 2.3. Huawei Cloud: the endpoints of DLI in the vendor's own client; eu-west-0 is
# Orange's, under another domain.
_DOMAINS = {
    "eu-de": _OTC,
    "eu-nl": _OTC,
    "eu-ch2": f"sc.{_OTC}",
    "eu-west-101": "myhuaweicloud.eu",
    **dict.fromkeys(
        (
            "ae-ad-1", "af-north-1", "af-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
            "ap-southeast-4", "cn-east-2", "cn-east-3", "cn-east-4", "cn-east-5", "cn-north-1", "cn-north-2",
            "cn-north-4", "cn-north-9", "cn-south-1", "cn-southwest-2", "la-north-2", "la-south-2", "me-east-1",
            "my-kualalumpur-1", "na-mexico-1", "ru-moscow-1", "ru-northwest-2", "sa-brazil-1", "tr-west-1",
        ),
        _HUAWEI,
    ),
}  # fmt: skip
_IAM_HOSTS = {"eu-ch2": f"iam-pub.eu-ch2.sc.{_OTC}"}
_NAME = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")


@dataclass(frozen=True)
class Region:
    """A region by its name; one without a `domain` needs its addresses from the settings."""

    name: str
    domain: str | None

    def address(self, service: str) -> str | None:
        """Of `dli`, `iam` or `obs`; None where it does not follow from the name."""
        if self.domain is None:
            return None
        if service == "iam":
            return f"https://{_IAM_HOSTS.get(self.name, f'iam.{self.name}.{self.domain}')}"
        return f"https://{service}.{self.name}.{self.domain}"


def region_of(name: str) -> Region:
    """The region of that name.

    Raises:
        ConfigError: it cannot be the name of a region.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"dli:region {name!r} is no region name such as eu-de or cn-north-4.")
    return Region(name, _DOMAINS.get(name))


def region_of_project(project_name: str | None) -> str | None:
    """`eu-de_orders` lies in `eu-de`: on these clouds a project's name begins with its region (dli-api 2.1)."""
    name = (project_name or "").partition("_")[0]
    return name if name in _DOMAINS else None


def without_address(name: str) -> ConfigError:
    """The error of a region whose address is not known."""
    near = difflib.get_close_matches(name, _DOMAINS, n=1, cutoff=0.75)
    meant = f" Did you mean {near[0]}?" if near else ""
    return ConfigError(
        f"dli:region {name!r} is none of the regions of Open Telekom Cloud and Huawei Cloud whose addresses are known."
        f"{meant} For a region of another cloud give its address: dli:endpoint (and dli:authUrl with an IAM user, "
        "dli:obsEndpoint for uploads)."
    )
