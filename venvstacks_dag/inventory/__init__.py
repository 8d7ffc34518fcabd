"""What is in which layer, why, and what is there twice. Pure, but for `metadata`."""

from venvstacks_dag.inventory.answer import Answer, LeftOut, explain
from venvstacks_dag.inventory.chains import Reasons
from venvstacks_dag.inventory.duplicates import Duplicate, duplicates
from venvstacks_dag.inventory.metadata import WheelRequirements
from venvstacks_dag.inventory.model import (
    Inventory,
    LayerContents,
    PlatformContents,
    SharedPackage,
)
from venvstacks_dag.inventory.reading import take_inventory

__all__ = [
    "Answer",
    "Duplicate",
    "Inventory",
    "LayerContents",
    "LeftOut",
    "PlatformContents",
    "Reasons",
    "SharedPackage",
    "WheelRequirements",
    "duplicates",
    "explain",
    "take_inventory",
]
