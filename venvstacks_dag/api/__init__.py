"""Stacks for programs: load one, look at it, lock, build, publish and export it."""

from venvstacks_dag.api.selection import Choice, Selection
from venvstacks_dag.api.stack import Stack, load_stack

__all__ = [
    "Choice",
    "Selection",
    "Stack",
    "load_stack",
]
