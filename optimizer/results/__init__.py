"""Result tables of a run: their schema, extraction from solved points, and the run folder."""
