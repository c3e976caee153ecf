"""The fields of each resource, once: type, wire name, change effect, rules. Pure values; no network, no Pulumi."""
