"""Flink on Data Lake Insight (DLI) as Pulumi resources."""

__version__ = "0.1.0"
