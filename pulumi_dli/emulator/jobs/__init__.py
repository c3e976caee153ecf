"""Flink jobs: definitions, statuses, savepoints."""
