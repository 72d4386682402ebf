"""Recognisers that turn pictures into embeddings, registered as any stranger's; none downloads anything."""
