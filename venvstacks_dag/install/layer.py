"""From images to a layer's tree, in one step."""

from __future__ import annotations

from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.install.model import InstallRequest
from venvstacks_dag.install.prepare import make_recipe
from venvstacks_dag.install.tree import follow
from venvstacks_dag.reporting import Reporter


def install_layer(request: InstallRequest, reporter: Reporter) -> TreeManifest:
    """Make the layer's tree at the request's destination; it appears whole, by rename.

    Raises `InstallConflict` before anything is written, `WheelRefused` as `plan_layer` does, and
    what `follow` raises. The tree that was there before then stays.
    """
    recipe = make_recipe(request)
    images = (*request.wheels, *([request.runtime] if request.runtime is not None else []))
    folders = {image.digest: image.folder for image in images}
    follow(recipe, folders, request.destination, mode=request.link_mode, reporter=reporter)
    return recipe.manifest
