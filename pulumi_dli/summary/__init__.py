"""`pulumi preview --json | pulumi-dli summary`: what a deployment would do to running streams, for a pull request.

    previews.py    the JSON of the Pulumi CLI as typed steps and messages, nothing else of it
    verdicts.py    what each step does to the stream, from the preview's line or, for deletes, from the state
    capacity.py    CUs of jobs before and after, per queue
    report.py      the report as Markdown, text or JSON; folded where a comment has no room

It reads text and writes text: no connection, no credentials, no Pulumi. It shows names of fields and never a value.
"""
