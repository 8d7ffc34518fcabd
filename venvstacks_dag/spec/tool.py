"""``[tool.venvstacks-dag]``: options that venvstacks itself does not know."""

from __future__ import annotations

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.model import ToolSettings

TOOL_NAME = "venvstacks-dag"


def read_tool(tool: Table | None) -> ToolSettings:
    """The settings in ``[tool.venvstacks-dag]``, given the ``[tool]`` table."""
    table = tool.table(TOOL_NAME) if tool is not None else None
    defaults = ToolSettings()
    if table is None:
        return defaults
    table.refuse_unknown(("runtime_archives", "max_depth"), noun="option")
    archives = table.text("runtime_archives")
    if archives is not None and not archives.strip():
        table.problem("runtime_archives", "expected a folder, found an empty string")
    max_depth = table.number("max_depth", minimum=1)
    return ToolSettings(
        runtime_archives=archives,
        max_depth=defaults.max_depth if max_depth is None else max_depth,
    )
