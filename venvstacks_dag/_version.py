"""The version of this package, apart from it: whoever needs it must not import everything."""

__version__ = "0.1.0"
