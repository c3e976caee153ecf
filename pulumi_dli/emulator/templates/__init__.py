"""Templates of Flink SQL jobs."""
