"""Wheels into images, images into environment trees."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.install.check import probe, verify_tree
    from venvstacks_dag.install.model import InstallRequest
    from venvstacks_dag.install.plan import LayerPlan, plan_layer
    from venvstacks_dag.install.tree import install_layer
    from venvstacks_dag.install.wheel import check_pin, read_metadata, wheel_image

__all__ = [
    "InstallRequest",
    "LayerPlan",
    "check_pin",
    "install_layer",
    "plan_layer",
    "probe",
    "read_metadata",
    "verify_tree",
    "wheel_image",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "check": ("probe", "verify_tree"),
        "model": ("InstallRequest",),
        "plan": ("LayerPlan", "plan_layer"),
        "tree": ("install_layer",),
        "wheel": ("check_pin", "read_metadata", "wheel_image"),
    },
)
