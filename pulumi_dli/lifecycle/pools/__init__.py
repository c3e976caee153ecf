"""An elastic resource pool's life: creating it, waiting until it is available, changing its sizes, deleting it."""
