"""From tables to one frozen instance: recipes, lanes, offers, origin classes, limits."""
