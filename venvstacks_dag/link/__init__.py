"""What makes a tree a layer: interpreter links, layer configuration, modules, shared libraries."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.link.binaries import read_facts, remembering
    from venvstacks_dag.link.clashes import Clash, clashes_below
    from venvstacks_dag.link.facts import LibraryFacts
    from venvstacks_dag.link.interpreter import launcher_sources
    from venvstacks_dag.link.model import (
        Linked,
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
    from venvstacks_dag.link.offers import Offers
    from venvstacks_dag.link.plan import plan_links
    from venvstacks_dag.link.write import link_layer

__all__ = [
    "Clash",
    "LibraryFacts",
    "LinkModules",
    "LinkPlan",
    "LinkRequest",
    "Linked",
    "LowerLink",
    "Module",
    "ModuleFile",
    "Offers",
    "SourceFile",
    "clashes_below",
    "launcher_sources",
    "link_layer",
    "module_digest",
    "module_sources",
    "plan_links",
    "read_facts",
    "read_module",
    "remembering",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "binaries": ("read_facts", "remembering"),
        "clashes": ("Clash", "clashes_below"),
        "facts": ("LibraryFacts",),
        "interpreter": ("launcher_sources",),
        "model": ("Linked", "LinkModules", "LinkPlan", "LinkRequest", "LowerLink"),
        "modules": (
            "Module",
            "ModuleFile",
            "SourceFile",
            "module_digest",
            "module_sources",
            "read_module",
        ),
        "offers": ("Offers",),
        "plan": ("plan_links",),
        "write": ("link_layer",),
    },
)
