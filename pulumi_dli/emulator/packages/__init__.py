"""Package groups and packages."""
