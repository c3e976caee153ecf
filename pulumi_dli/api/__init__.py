"""The typed HTTP client of DLI: sign, send, decode, raise. Start reading at `client.py`."""
