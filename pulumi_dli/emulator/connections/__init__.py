"""Enhanced datasource connections: the peerings of pools and queues with a VPC, hosts, routes, sharing."""
