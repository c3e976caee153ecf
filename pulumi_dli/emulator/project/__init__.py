"""What belongs to a project as a whole: authorised buckets, quotas."""
