"""Stack specifications: parse and validate."""
