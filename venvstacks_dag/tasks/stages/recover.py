"""What to do when a tree turns out to hold other bytes than were installed.

The quick look that each build takes at a tree (kinds, sizes, times) can be deceived; packing reads
every byte and cannot. What it finds may have come through a hard link into the store, too, so the
images that the tree was made of are read as well, and dropped where they changed: the next build
makes them, and the tree, anew.
"""

from __future__ import annotations

from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.install import source_digests
from venvstacks_dag.tasks.stages.installing import forget_recipe
from venvstacks_dag.tasks.stages.trees import read_manifest


def forget_changed_tree(context: BuildContext, layer: LayerPlan, reporter: Reporter) -> bool:
    """Have a layer installed again if its tree holds other bytes; whether it does.

    Images in the store that changed as well are dropped.
    """
    from venvstacks_dag.install import verify_tree

    settings = context.settings
    tree = settings.tree(layer.name)
    stages = ("install", "link")
    faults = [
        fault
        for stage in stages
        for fault in verify_tree(tree, read_manifest(context, stage, layer.name))
    ]
    for fault in faults:
        reporter.detail(fault)
    if not faults:
        return False
    for digest in source_digests(context, layer):
        image = context.store.image(digest)
        if image is not None and not context.store.check(image):
            reporter.detail(f"the store's image {digest} was changed too, and is dropped")
    # It was the description of an image that was damaged, perhaps, and a recipe made by that.
    forget_recipe(context, layer)
    for stage in stages:
        settings.stamp(stage, layer.name).unlink(missing_ok=True)
    return True
