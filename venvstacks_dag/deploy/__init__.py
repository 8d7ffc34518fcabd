"""Deploying published layers, verifying them, running them.

The whole room needs nothing but the standard library and the rooms that `script` lists, so that it
also ships as one file that an installer can carry (`script.write_script`). Modules are imported
from where they are; the package itself exports nothing.
"""
