"""What is in which layer, why, and what is there twice. Pure, but for `metadata`."""

from venvstacks_dag.inventory.answer import Answer, explain
from venvstacks_dag.inventory.chains import Depends, Reasons, reasons
from venvstacks_dag.inventory.duplicates import Duplicate, Move, duplicates
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
    "Depends",
    "Duplicate",
    "Inventory",
    "LayerContents",
    "Move",
    "PlatformContents",
    "Reasons",
    "SharedPackage",
    "WheelRequirements",
    "duplicates",
    "explain",
    "reasons",
    "take_inventory",
]
