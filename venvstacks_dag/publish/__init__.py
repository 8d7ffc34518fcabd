"""Manifests of layers and stacks.

Imported with its first use: a build with nothing to do reads no manifest.
"""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.publish.files import read_layer_manifest as read_layer_manifest
    from venvstacks_dag.publish.files import read_stack_manifest as read_stack_manifest
    from venvstacks_dag.publish.files import write_layer_manifest as write_layer_manifest
    from venvstacks_dag.publish.files import write_stack_manifest as write_stack_manifest
    from venvstacks_dag.publish.manifests import app_modules as app_modules
    from venvstacks_dag.publish.manifests import archive_file_name as archive_file_name
    from venvstacks_dag.publish.manifests import layer_manifest as layer_manifest
    from venvstacks_dag.publish.manifests import next_archive_build as next_archive_build
    from venvstacks_dag.publish.manifests import stack_manifest as stack_manifest
    from venvstacks_dag.publish.model import AppModules as AppModules
    from venvstacks_dag.publish.model import LayerManifest as LayerManifest
    from venvstacks_dag.publish.model import PublishedArchive as PublishedArchive
    from venvstacks_dag.publish.model import SupportModule as SupportModule
    from venvstacks_dag.publish.names import layer_bom_path as layer_bom_path
    from venvstacks_dag.publish.names import layer_manifest_path as layer_manifest_path
    from venvstacks_dag.publish.names import provenance_path as provenance_path
    from venvstacks_dag.publish.names import stack_bom_path as stack_bom_path
    from venvstacks_dag.publish.names import stack_manifest_path as stack_manifest_path

__getattr__ = lazy_exports(
    __name__,
    {
        "files": (
            "read_layer_manifest",
            "read_stack_manifest",
            "write_layer_manifest",
            "write_stack_manifest",
        ),
        "manifests": (
            "app_modules",
            "archive_file_name",
            "layer_manifest",
            "next_archive_build",
            "stack_manifest",
        ),
        "names": (
            "layer_bom_path",
            "layer_manifest_path",
            "provenance_path",
            "stack_bom_path",
            "stack_manifest_path",
        ),
        "model": ("AppModules", "LayerManifest", "PublishedArchive", "SupportModule"),
    },
)
