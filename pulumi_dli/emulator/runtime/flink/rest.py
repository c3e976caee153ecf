"""Flink's REST interface, as far as the runtime needs it. Called by the cluster and its workers.

One object a cluster; requests are not shared between threads (each call is its own, on loopback). Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import requests

from pulumi_dli.emulator.runtime.flink.causes import refusal, root_cause

ANSWER_SECONDS = 30.0
MOST_EXCEPTIONS = 100  # that Flink keeps of a job, by its configuration
RUN_SECONDS = 180.0  # the job's own main() runs inside this call


class FlinkUnreachableError(Exception):
    """No answer: the cluster is starting, stuck or gone."""


class FlinkRefusalError(Exception):
    """Flink said no; the message is the root cause."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FlinkRest:
    """Calls on one JobManager."""

    def __init__(self, address: str) -> None:
        self.address = address

    def taskmanagers(self) -> int:
        """How many TaskManagers have registered."""
        return int(self._call("GET", "/overview")["taskmanagers"])

    def upload(self, jar: Path, *, name: str) -> str:
        """Upload a jar; its id."""
        with jar.open("rb") as file:
            answer = self._call(
                "POST",
                "/jars/upload",
                files={"jarfile": (name, file, "application/java-archive")},
                seconds=RUN_SECONDS,
            )
        return str(answer["filename"]).rpartition("/")[2]

    def run(self, jar_id: str, body: Mapping[str, Any]) -> str:
        """Run an uploaded jar; the id of the job."""
        return str(self._call("POST", f"/jars/{jar_id}/run", body=body, seconds=RUN_SECONDS)["jobid"])

    def delete_jar(self, jar_id: str) -> None:
        """Drop an uploaded jar; running jobs keep their copy."""
        self._call("DELETE", f"/jars/{jar_id}")

    def job(self, jid: str) -> dict[str, Any]:
        """State, vertices, timestamps and plan."""
        return self._call("GET", f"/jobs/{jid}")

    def failures(self, jid: str) -> int:
        """How often the job failed; each but a last one was followed by a restart."""
        entries = self._call("GET", f"/jobs/{jid}/exceptions?maxExceptions={MOST_EXCEPTIONS}")["exceptionHistory"]
        kept = len(entries["entries"])
        if kept < MOST_EXCEPTIONS:
            return kept
        rows = self._call_any("GET", f"/jobs/{jid}/metrics?get=numRestarts")  # some seconds late, but it has no end
        return max((int(row.get("value", 0)) for row in cast("Sequence[Mapping[str, Any]]", rows)), default=kept)

    def root_exception(self, jid: str) -> str:
        """Why the job failed last, as one line; empty when it did not."""
        answer = self._call("GET", f"/jobs/{jid}/exceptions?maxExceptions=5")
        entries = answer.get("exceptionHistory", {}).get("entries", [])
        trace = entries[0].get("stacktrace") if entries else None
        return root_cause(str(trace or answer.get("root-exception") or ""))

    def cancel(self, jid: str) -> None:
        """Ask for the end of the job."""
        self._call("PATCH", f"/jobs/{jid}?mode=cancel")

    def trigger_savepoint(self, jid: str, *, folder: Path) -> str:
        """Start a savepoint of a job that goes on; the id to ask with."""
        body = {"target-directory": folder.as_uri(), "cancel-job": False}
        return str(self._call("POST", f"/jobs/{jid}/savepoints", body=body)["request-id"])

    def trigger_stop(self, jid: str, *, folder: Path) -> str:
        """Start a stop with savepoint; the id to ask with."""
        body = {"targetDirectory": folder.as_uri(), "drain": False}
        return str(self._call("POST", f"/jobs/{jid}/stop", body=body)["request-id"])

    def savepoint(self, jid: str, trigger: str) -> str | None:
        """Where the triggered savepoint lies (a `file:` URI); None while it is being made.

        Raises FlinkRefusalError when it was not made.
        """
        answer = self._call("GET", f"/jobs/{jid}/savepoints/{trigger}")
        if answer["status"]["id"] != "COMPLETED":
            return None
        operation = answer.get("operation") or {}
        if operation.get("location"):
            return str(operation["location"])
        trace = (operation.get("failure-cause") or {}).get("stack-trace") or ""
        raise FlinkRefusalError(200, root_cause(str(trace)) or "Flink gave no reason")

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call_any(method, path, **more))

    def _call_any(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        files: Any = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # loopback only: no proxy of the user's environment may see these calls
            try:
                answer = session.request(method, self.address + path, json=body, files=files, timeout=seconds)
                content = answer.json() if answer.content else {}
            except (requests.RequestException, ValueError) as error:
                raise FlinkUnreachableError(
                    f"no answer from Flink at {self.address}: {type(error).__name__}"
                ) from error
        if not answer.ok:
            errors = content.get("errors", []) if isinstance(content, dict) else []
            raise FlinkRefusalError(answer.status_code, refusal([str(error) for error in errors]))
        return content
