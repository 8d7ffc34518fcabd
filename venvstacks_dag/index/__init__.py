"""Package indexes: pages, metadata, and the order in which they are asked."""
