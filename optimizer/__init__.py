"""Cost-versus-resilience frontiers for sourcing portfolios, from sourced tables to signable plans."""
