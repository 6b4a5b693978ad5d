"""Embeddings as a map that people can look at: in two and three dimensions."""
