"""Plans against shocks they were not built for: fresh samples, history, and the loss of single nodes."""
