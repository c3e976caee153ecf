"""The emulator's own page at `/`: read only, server-rendered, no script."""
