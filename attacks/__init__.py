"""The built-in attacks, a folder for each question that they answer; published as ``mote_attacks``."""
