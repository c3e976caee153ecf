"""What a deployment costs by number of jobs: `python -m benchmarks` (`make bench`). Measures; asserts nothing."""
