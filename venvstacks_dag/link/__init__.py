"""What makes a tree a layer: interpreter links, layer configuration, modules, shared libraries."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.link.libraries import LibraryFacts
    from venvstacks_dag.link.model import (
        LinkModules,
        LinkPlan,
        LinkRequest,
        LowerLink,
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
    from venvstacks_dag.link.write import link_layer, read_facts

__all__ = [
    "LibraryFacts",
    "LinkModules",
    "LinkPlan",
    "LinkRequest",
    "LowerLink",
    "Module",
    "ModuleFile",
    "SourceFile",
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
        "libraries": ("LibraryFacts",),
        "model": ("LinkModules", "LinkPlan", "LinkRequest", "LowerLink"),
        "modules": (
            "Module",
            "ModuleFile",
            "SourceFile",
            "module_digest",
            "module_sources",
            "read_module",
        ),
        "plan": ("plan_links",),
        "write": ("link_layer", "read_facts"),
    },
)
