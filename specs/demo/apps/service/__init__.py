"""A small web service that answers statistics of the numbers it is sent."""
