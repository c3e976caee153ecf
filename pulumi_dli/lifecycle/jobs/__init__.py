"""A Flink job's life: what to do is decided in `plan.py` (pure); the other files find out and carry out."""
