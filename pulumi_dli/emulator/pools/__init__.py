"""Elastic resource pools: their CUs over time, and the queues in them."""
