"""An enhanced datasource connection's life: creating it, binding and unbinding, waiting for peerings, deleting it."""
