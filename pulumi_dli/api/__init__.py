"""The DLI API, typed: sign, send, retry, decode, raise. Knows nothing of Pulumi and decides nothing about resources."""
