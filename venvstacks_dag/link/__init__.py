"""What makes a tree a layer: interpreter links, layer configuration, modules, shared libraries."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.link.libraries import LibraryFacts, library_candidates
    from venvstacks_dag.link.model import (
        LinkModules,
        LinkPlan,
        LinkRequest,
        LowerLink,
        PlannedEntry,
    )
    from venvstacks_dag.link.modules import (
        Module,
        ModuleFile,
        SourceFile,
        module_digest,
        module_sources,
        read_module,
    )
    from venvstacks_dag.link.plan import plan_links
    from venvstacks_dag.link.write import FactsReader, link_layer, read_facts

__all__ = [
    "FactsReader",
    "LibraryFacts",
    "LinkModules",
    "LinkPlan",
    "LinkRequest",
    "LowerLink",
    "Module",
    "ModuleFile",
    "PlannedEntry",
    "SourceFile",
    "library_candidates",
    "link_layer",
    "module_digest",
    "module_sources",
    "plan_links",
    "read_facts",
    "read_module",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "libraries": ("LibraryFacts", "library_candidates"),
        "model": ("LinkModules", "LinkPlan", "LinkRequest", "LowerLink", "PlannedEntry"),
        "modules": (
            "Module",
            "ModuleFile",
            "SourceFile",
            "module_digest",
            "module_sources",
            "read_module",
        ),
        "plan": ("plan_links",),
        "write": ("FactsReader", "link_layer", "read_facts"),
    },
)
