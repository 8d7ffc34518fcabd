"""Measurements that docs/explanation/performance.md reports. Not part of the package."""
