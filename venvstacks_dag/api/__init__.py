"""Stacks for programs: load one, look at it, lock, build, publish and export it."""

from venvstacks_dag.api.selection import Choice, Operations, Selection
from venvstacks_dag.api.stack import Stack, load_stack
from venvstacks_dag.api.status import LayerState, StackState, tree_lines

__all__ = [
    "Choice",
    "LayerState",
    "Operations",
    "Selection",
    "Stack",
    "StackState",
    "load_stack",
    "tree_lines",
]
