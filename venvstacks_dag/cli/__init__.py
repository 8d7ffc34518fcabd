"""The `venvstacks-dag` command: the same tasks as `doit` runs, for any specification."""

from venvstacks_dag.cli.main import main

__all__ = ["main"]
