"""Queues and their compute."""
