"""The one way in which rules say no, and the bodies of such answers (dli-api 3.1 to 3.4)."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818  (it is an answer of the service, not an error of this program)
    """An answer in the service's error shape."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more = more
        self.shape: dict[str, Any] | None = None  # another body than DLI's (IAM)

    @property
    def body(self) -> dict[str, Any]:
        if self.shape is not None:
            return self.shape
        return {"error_code": self.code, "error_msg": self.message, **self.more}


class GatewayRefusal(Refusal):
    """An answer of the gateway in front of DLI: its body carries the request id (dli-api 3.2)."""


def disk_full(reason: str) -> Refusal:
    """No answer of the service: this machine's disk is at fault."""
    text = f"The local DLI cannot write its data ({reason}): nothing was changed. Make room on its disk and try again."
    return Refusal(507, "LOCAL.0507", text)


def bad_parameter(message: str) -> Refusal:
    return Refusal(400, "DLI.0001", message)


def unpublished(method: str, path: str) -> GatewayRefusal:
    """The 404 that is not "gone": this region has no such API (dli-api 2.3)."""
    text = f"The API does not exist or has not been published in the environment: {method} {path}"
    return GatewayRefusal(404, "APIGW.0101", text)


def not_accepted(code: str, message: str) -> GatewayRefusal:
    return GatewayRefusal(401, code, message)
