"""Objects as a service. Their calls are S3's and not DLI's: `server/app.py` knows their paths."""

from __future__ import annotations

from pulumi_dli.emulator.core.service import Service
from pulumi_dli.emulator.objects.records import ObjectStore

SERVICE = Service(name="objects", operations=(), records=(ObjectStore,))
