"""Boards made from records: csv, json, md, html and the terminal table."""
