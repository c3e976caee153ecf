"""Tags of all resources, which only the v3 calls show."""
