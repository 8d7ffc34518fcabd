"""Wheels into images, images into environment trees."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.install.check import probe, verify_tree
    from venvstacks_dag.install.kept import written_image
    from venvstacks_dag.install.layer import install_layer
    from venvstacks_dag.install.model import InstallRequest
    from venvstacks_dag.install.plan import LayerPlan, plan_layer
    from venvstacks_dag.install.prepare import make_recipe
    from venvstacks_dag.install.recipe import TreeRecipe, read_recipe, recipe_bytes, recipe_key
    from venvstacks_dag.install.tree import follow
    from venvstacks_dag.install.unpacked import check_pin, read_metadata
    from venvstacks_dag.install.wheel import wheel_image
    from venvstacks_dag.install.workers import UnpackWorkers, unpack_workers

__all__ = [
    "InstallRequest",
    "LayerPlan",
    "TreeRecipe",
    "UnpackWorkers",
    "check_pin",
    "follow",
    "install_layer",
    "make_recipe",
    "plan_layer",
    "probe",
    "read_metadata",
    "read_recipe",
    "recipe_bytes",
    "recipe_key",
    "unpack_workers",
    "verify_tree",
    "wheel_image",
    "written_image",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "check": ("probe", "verify_tree"),
        "model": ("InstallRequest",),
        "plan": ("LayerPlan", "plan_layer"),
        "kept": ("written_image",),
        "layer": ("install_layer",),
        "prepare": ("make_recipe",),
        "recipe": ("TreeRecipe", "read_recipe", "recipe_bytes", "recipe_key"),
        "tree": ("follow",),
        "workers": ("UnpackWorkers", "unpack_workers"),
        "unpacked": ("check_pin", "read_metadata"),
        "wheel": ("wheel_image",),
    },
)
