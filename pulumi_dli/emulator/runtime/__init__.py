"""What becomes of a started job: `protocol.py`, and two runtimes that keep it, `simulated.py` and `flink/`."""
