"""Manifests of layers and stacks."""

from venvstacks_dag.publish.files import (
    layer_manifest_path,
    read_layer_manifest,
    read_stack_manifest,
    stack_manifest_path,
    write_layer_manifest,
    write_stack_manifest,
)
from venvstacks_dag.publish.manifests import (
    app_modules,
    archive_file_name,
    layer_manifest,
    next_archive_build,
    stack_manifest,
)
from venvstacks_dag.publish.model import (
    AppModules,
    LayerManifest,
    PublishedArchive,
    SupportModule,
)

__all__ = [
    "AppModules",
    "LayerManifest",
    "PublishedArchive",
    "SupportModule",
    "app_modules",
    "archive_file_name",
    "layer_manifest",
    "layer_manifest_path",
    "next_archive_build",
    "read_layer_manifest",
    "read_stack_manifest",
    "stack_manifest",
    "stack_manifest_path",
    "write_layer_manifest",
    "write_stack_manifest",
]
