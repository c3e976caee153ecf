"""Seeded programs under faults, kills and the acts of people; `python -m tests.chaos --seed 17` repeats one.

`schedules.py` draws what happens, `programs.py` holds the programs, `deployment.py` is an engine in this process,
`wire.py` counts the calls and strikes at one of them, `checker.py` judges by what the local DLI holds and has seen,
`running.py` puts them together, and shrinks what fails.
"""
