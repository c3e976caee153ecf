"""What all jobs, queues and packages of a connection share: batches of calls, watches, snapshots, waits."""
