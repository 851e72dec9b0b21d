"""Tables: the data package, the shared tables, cases and everything that can be wrong with them."""
