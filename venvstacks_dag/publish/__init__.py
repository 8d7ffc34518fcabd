"""Manifests of layers and stacks."""
