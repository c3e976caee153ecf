"""A local DLI on the loopback: IAM, queues, packages, Flink jobs and objects on one port, kept in one file."""
