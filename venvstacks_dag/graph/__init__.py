"""The layer graph: order, linearisation, depth, platforms. Pure."""
