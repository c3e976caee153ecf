"""A local DLI for demos and tests. Shares no code with the other rooms: they meet over HTTP."""
