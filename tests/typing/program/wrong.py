"""What a type checker must refuse: a comment that suppresses nothing is an error, so each of these lines has one."""

from __future__ import annotations

import pulumi_dli as dli

row: dli.FlinkJarJobArgs = {"parallel_nmber": 2}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportAssignmentType]
dli.Quee("q")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType]
dli.Queue("q")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
dli.Queue("q", cu_count="16")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dli.Queue("q", cu_count=16, queue_type="flink")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dli.FlinkJarJob("j", parallel_nmber=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
dli.FlinkJarJob("j", state="finished")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dli.FlinkJarJob("j", upgrade_mode="blue")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dli.FlinkJarJob("j", repair="some")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dli.FlinkJarJob("j", resource_config={"max_slots": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
job = dli.FlinkJarJob("j")
print(job.no_such_thing)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownArgumentType]
number: str = job.parallel_number  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
