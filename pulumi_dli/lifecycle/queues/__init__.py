"""A queue's life: creating it, scaling it, and waiting until it can be used."""
