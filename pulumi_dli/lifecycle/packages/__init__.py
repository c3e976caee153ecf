"""The lives of package groups and of uploaded packages."""
