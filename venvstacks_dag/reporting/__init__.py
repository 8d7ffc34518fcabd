"""How work tells about itself, without knowing who listens."""

from venvstacks_dag.reporting.protocol import Progress, Reporter
from venvstacks_dag.reporting.quiet import NullReporter

__all__ = ["NullReporter", "Progress", "Reporter"]
