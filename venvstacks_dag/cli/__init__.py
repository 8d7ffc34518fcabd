"""The `venvstacks-dag` command."""
