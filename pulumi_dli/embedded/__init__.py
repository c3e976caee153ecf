"""A small deployment engine that speaks Pulumi's own protocol, for demos and tests where no Pulumi CLI is installed."""
