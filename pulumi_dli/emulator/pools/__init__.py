"""Elastic resource pools, as far as queues need them."""
