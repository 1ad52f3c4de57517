"""Releases of the board's program: compiled, bundled, signed by whoever answers for them."""
