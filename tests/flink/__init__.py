"""The Flink runtime of the emulator: its pure parts without Java, the rest on real clusters (marker `java`)."""
