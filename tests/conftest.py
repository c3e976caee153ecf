"""Fixtures of tests that run whole programs, whatever folder they are in. Nothing clever: see `engines.py`."""

import signal

from tests.engines import _dli_of_the_process, dli, engine, make_engine
from tests.tls import certificate, tls_service

__all__ = ["_dli_of_the_process", "certificate", "dli", "engine", "make_engine", "tls_service"]


def pytest_configure() -> None:
    """Children that are ended with SIGINT must hear it, also when the tests were started in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
