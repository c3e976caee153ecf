"""Desired against observed: decide (pure), then act, then wait. Knows nothing of Pulumi and speaks to the service
through `api` only.
"""
