"""Recomputation of everything a run claims, from its tables alone."""
