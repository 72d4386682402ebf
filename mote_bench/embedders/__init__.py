"""Recognisers that turn pictures into embeddings, registered as plug-ins; none downloads anything."""
