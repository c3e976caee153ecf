"""IAM: tokens, signatures, and who calls."""
