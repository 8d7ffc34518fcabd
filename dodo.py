"""doit's entry into this project: the demo stack, or the one that spec=PATH names."""

from venvstacks_dag.tasks import stack

globals().update(stack("specs/demo/venvstacks.toml"))
