"""Wheels into images, images into environment trees."""
