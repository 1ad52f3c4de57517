"""Small real implementations for tests and simulations: a node that signs, a bus that delivers, a whole neighbourhood."""
