"""Reasons one can defend: what binds, what would change the answer, whom to bargain with, what else could be signed."""
