"""The only room that changes the disk."""

from venvstacks_dag.fs.encoding import check_names_encoding
from venvstacks_dag.fs.filelist import file_list, parse_file_list
from venvstacks_dag.fs.files import (
    FILE_MODE,
    HAS_MODES,
    PROGRAM_MODE,
    SEALED_BITS,
    SEALED_NS,
    atomic_stream,
    atomic_write,
    disk_errors,
    hash_while_copying,
    read_bytes,
    write_if_changed,
)
from venvstacks_dag.fs.locks import folder_lock
from venvstacks_dag.fs.manifest import TreeEntry, TreeManifest
from venvstacks_dag.fs.newtree import NewTree, new_tree
from venvstacks_dag.fs.placing import LINK_MODES, LinkMode, place_file
from venvstacks_dag.fs.trees import (
    folders_above,
    left_behind,
    make_folders,
    make_link,
    remove_path,
    replace_tree,
    staging_folder,
    sweep,
)

__all__ = [
    "FILE_MODE",
    "HAS_MODES",
    "LINK_MODES",
    "PROGRAM_MODE",
    "SEALED_BITS",
    "SEALED_NS",
    "LinkMode",
    "NewTree",
    "TreeEntry",
    "TreeManifest",
    "atomic_stream",
    "atomic_write",
    "check_names_encoding",
    "disk_errors",
    "file_list",
    "folder_lock",
    "folders_above",
    "hash_while_copying",
    "left_behind",
    "make_folders",
    "make_link",
    "new_tree",
    "parse_file_list",
    "place_file",
    "read_bytes",
    "remove_path",
    "replace_tree",
    "staging_folder",
    "sweep",
    "write_if_changed",
]
