"""The fields of each resource, once: type, default, wire name, change effect, rules. Pure values; no network, no Pulumi."""
