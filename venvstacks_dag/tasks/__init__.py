"""The graph as doit tasks: what runs when, and why."""
