"""From events to the shocks of an instance."""
