"""Command line of the optimizer: one module per group of commands, each a thin call of a library function."""
