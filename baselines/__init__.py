"""The built-in schemes that MOTE is compared with, one file each; published as ``mote_baselines``."""
