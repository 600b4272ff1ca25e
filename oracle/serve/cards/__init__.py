"""A model card as one HTML file, drawn from the card alone."""

from .page import page

__all__ = ["page"]
