"""Every published metric, with its interval over people; pure functions of arrays."""
