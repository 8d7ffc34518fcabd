"""The graph as doit tasks: what runs when, and why."""

from venvstacks_dag.tasks.interrupts import tell_of_interrupts_in_a_line

# First, as what follows takes a while, in which users may change their minds.
tell_of_interrupts_in_a_line()

from venvstacks_dag.tasks.entry import stack  # noqa: E402

__all__ = ["stack"]
