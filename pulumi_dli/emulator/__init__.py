"""A local DLI on the loopback: IAM, queues, packages, Flink jobs and objects on one port, kept in one file.

testing.py      the local DLI inside of a test or a demo
server/         the port: requests to handlers, control calls, faults, the journal
console/        the page at `/`
local_dli.py    all parts put together
services.py     the list of services, one line each
iam/ objects/ queues/ pools/ packages/ jobs/ project/ tags/     a folder a service:
    routes.py       what it offers: its calls with their paths, acts, tags
    calls.py        bodies in, answers out
    acts.py         what a person at the console does
    records.py      state and rules
runtime/        what becomes of a started job: simulated, or a real Flink
core/           what every service stands on: store, clock, faults, quirks, timeline
"""
