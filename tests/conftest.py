"""Fixtures of tests that run whole programs, whatever folder they are in. Nothing clever: see `engines.py`."""

from tests.engines import _dli_of_the_process, dli, engine, make_engine

__all__ = ["_dli_of_the_process", "dli", "engine", "make_engine"]
