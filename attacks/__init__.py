"""The built-in attacks, one folder for each question; published as ``mote_attacks``."""
