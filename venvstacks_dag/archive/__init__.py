"""Reproducible archives of layers."""
