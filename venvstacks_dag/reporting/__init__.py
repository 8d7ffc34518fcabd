"""How work tells about itself, without knowing who listens."""

from venvstacks_dag.reporting.protocol import Progress, Reporter
from venvstacks_dag.reporting.quiet import NullProgress, NullReporter, RecordingReporter

__all__ = ["NullProgress", "NullReporter", "Progress", "RecordingReporter", "Reporter"]
