"""Attacks that distinguish templates of two known faces, each made under a fresh key."""
