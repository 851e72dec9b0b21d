"""Charts, maps and pages over the tables of a run."""
