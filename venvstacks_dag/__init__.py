"""Layered Python environments as a dependency graph: lock, build, link and archive stacks."""

__version__ = "0.1.0"
