"""What makes a tree a layer: interpreter links, layer configuration, modules, shared libraries."""
