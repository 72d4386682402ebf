"""The built-in schemes that MOTE is compared with, a folder for each family; published as ``mote_baselines``."""
