"""``[tool.venvstacks-dag]``: options that venvstacks itself does not know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from venvstacks_dag.fs import LINK_MODES, LinkMode
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.layer_options import read_layer_options
from venvstacks_dag.spec.model import LayerSpec, ToolSettings
from venvstacks_dag.spec.packing_fields import KEYS, read_packing, read_targets
from venvstacks_dag.spec.wording import meant, nearest, quoted

TOOL_NAME = "venvstacks-dag"
_OPTIONS = ("runtime_archives", "max_depth", "link_mode", "layers", "targets", *KEYS)


def read_tool(tool: Table | None, layers: Iterable[LayerSpec]) -> ToolSettings:
    """The settings in ``[tool.venvstacks-dag]``, given the ``[tool]`` table and the layers."""
    table = tool.table(TOOL_NAME) if tool is not None else None
    if tool is not None:
        _warn_misspelt(tool)
    defaults = ToolSettings()
    if table is None:
        return defaults
    table.refuse_unknown(_OPTIONS, noun="option")
    archives = _places(table, "runtime_archives")
    max_depth = table.number("max_depth", minimum=1)
    return ToolSettings(
        runtime_archives=archives,
        max_depth=defaults.max_depth if max_depth is None else max_depth,
        link_mode=_link_mode(table) or defaults.link_mode,
        layers=read_layer_options(table.table("layers"), layers),
        packing=read_packing(table),
        targets=read_targets(table.table("targets")),
    )


def _link_mode(table: Table) -> LinkMode | None:
    mode = table.text("link_mode")
    if mode is not None and mode not in LINK_MODES:
        fix = meant(mode, LINK_MODES, noun="ways")
        table.problem("link_mode", f"unknown way {quoted(mode)} to fill trees", fix=fix)
    return cast("LinkMode | None", mode)


def _warn_misspelt(tool: Table) -> None:
    """Tables of other tools are their own business, so this is no more than a guess."""
    for key in tool.values:
        if key != TOOL_NAME and nearest(key, (TOOL_NAME, "uv")) == TOOL_NAME:
            tool.warn(key, "not read by this tool", fix=f"did you mean {quoted(TOOL_NAME)}?")


def _places(table: Table, key: str) -> str | tuple[str, ...] | None:
    """One place as a string, or several as an array of strings."""
    if isinstance(table.values.get(key), list):
        return table.texts(key)
    place = table.text(key)
    if place is not None and not place.strip():
        table.problem(key, "expected a folder, found an empty string")
    return place
