"""Buckets and objects, behind as much of S3 as clients of OBS use."""
