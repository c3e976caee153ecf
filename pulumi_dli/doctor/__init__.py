"""`pulumi-dli doctor`: before the first `up`, whether this project will work, and what to do where it will not.

    checks.py      a line of the report, a check, and the run over a list of checks
    case.py        what is looked at: the settings, the options, and each answer of the service once
    settings.py    the checks of the settings and the tools; they make no call
    service.py     the checks of the service, OBS among them; they only read
    rights.py      the calls that show what is published and what one may do
    recorder.py    calls whose answers are kept as they came
    probe.py       drafts that are made and deleted to learn what no document settles
    drafts.py      the questions that drafts answer
    report.py      the lines as text or JSON
    command.py     the arguments

A check is a function that gives lines; the lists are data. Nothing is changed but by `--authorize` and `--probe`. The
values of secrets are shown nowhere.
"""
