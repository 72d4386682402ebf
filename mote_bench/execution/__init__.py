"""Where tasks run: worker processes or a Dask cluster, in bounds of time and memory."""
