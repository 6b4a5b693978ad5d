"""Atisbo: trained image networks for people who look at images, learning from what they say back."""

__version__ = "0.1.0"
