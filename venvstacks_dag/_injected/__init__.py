"""Modules that are copied into layers. Standard library only."""
