"""Many runs: what a batch file asks for, carried out by Dask, kept in a store that answers SQL."""
