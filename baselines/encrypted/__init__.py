"""Encrypted schemes: the template is a ciphertext, the score is computed under encryption."""
