"""The local DLI on a port: requests to handlers, control calls, faults, the journal. It owns no rule of DLI."""
