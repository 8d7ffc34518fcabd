"""The graph as doit tasks: what runs when, and why."""

from venvstacks_dag.tasks.entry import stack

__all__ = ["stack"]
