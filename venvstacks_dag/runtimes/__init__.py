"""Providers of base runtimes."""
