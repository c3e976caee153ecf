"""Desired against observed: decide (pure), then act, then wait. Knows nothing of Pulumi and speaks to the service
through `api` only.

`contract.py` is what every resource promises; `jobs`, `queues` and `packages` keep it, and `sharing` serves them all.
"""
