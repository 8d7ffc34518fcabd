"""The graph as doit tasks: what runs when, and why."""

from venvstacks_dag.tasks.entry import build_context, stack

__all__ = ["build_context", "stack"]
