"""The built-in attacks, one file per attack family; published as ``mote_attacks``."""
