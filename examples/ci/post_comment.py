"""Put a file as one comment on the pull request of this job, and change that comment the next time.

    python examples/ci/post_comment.py comment.md

The first line of the file is the mark by which the comment is found again. On GitHub it needs GITHUB_TOKEN with
`pull-requests: write` and PULL_REQUEST (its number), on GitLab GITLAB_TOKEN with the scope `api`; the other variables
are those that both set by themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

PAGE = 100
SECONDS = 30


def place() -> tuple[str, dict[str, str], str]:
    """Address of the comments, headers, and the method that changes one."""
    env = os.environ
    if "CI_API_V4_URL" in env:
        base = f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}/merge_requests/{env['CI_MERGE_REQUEST_IID']}"
        return f"{base}/notes", {"PRIVATE-TOKEN": env["GITLAB_TOKEN"]}, "PUT"
    base = f"{env.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{env['GITHUB_REPOSITORY']}"
    return f"{base}/issues/{env['PULL_REQUEST']}/comments", {"Authorization": f"Bearer {env['GITHUB_TOKEN']}"}, "PATCH"


def comments(url: str, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """All comments, page by page."""
    page = 1
    while True:
        answer = requests.get(url, headers=headers, params={"per_page": PAGE, "page": page}, timeout=SECONDS)
        answer.raise_for_status()
        found = answer.json()
        yield from found
        if len(found) < PAGE:
            return
        page += 1


def main() -> None:
    body = Path(sys.argv[1]).read_text(encoding="utf-8")
    mark = body.splitlines()[0]
    url, headers, method = place()
    old = next((one for one in comments(url, headers) if str(one.get("body", "")).startswith(mark)), None)
    if old is None:
        answer = requests.post(url, headers=headers, json={"body": body}, timeout=SECONDS)
    else:
        # GitHub's comments have an address of their own, beside that of the pull request.
        own = f"{url}/{old['id']}" if method == "PUT" else f"{url.rsplit('/', 2)[0]}/comments/{old['id']}"
        answer = requests.request(method, own, headers=headers, json={"body": body}, timeout=SECONDS)
    answer.raise_for_status()
    print("comment changed" if old else "comment made")


if __name__ == "__main__":
    try:
        main()
    except KeyError as error:
        sys.exit(f"post_comment.py: {error.args[0]} is not set")
    except requests.RequestException as error:
        sys.exit(f"post_comment.py: {error}")
