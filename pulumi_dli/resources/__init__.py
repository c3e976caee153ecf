"""What a stack author writes: one file a resource, nothing but its inputs and outputs. Light to import."""
