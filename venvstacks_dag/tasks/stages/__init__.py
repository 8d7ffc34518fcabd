"""One module a stage: what decides its output, whether that is intact, and how it is made."""

from venvstacks_dag.tasks.stages.archive import Archive
from venvstacks_dag.tasks.stages.base import Stage
from venvstacks_dag.tasks.stages.build import Build
from venvstacks_dag.tasks.stages.export import Export
from venvstacks_dag.tasks.stages.fetch import Fetch
from venvstacks_dag.tasks.stages.install import Install
from venvstacks_dag.tasks.stages.link import Link
from venvstacks_dag.tasks.stages.local_export import LocalExport
from venvstacks_dag.tasks.stages.publish import Publish
from venvstacks_dag.tasks.stages.resolve import Resolve

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Resolve(),
        Fetch(),
        Install(),
        Link(),
        Archive(),
        Build(),
        Publish(),
        Export(),
        LocalExport(),
    )
}

__all__ = ["STAGES"]
