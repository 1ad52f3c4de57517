"""Small Protocols that the engine needs from the world: stores, keys, the meter's history. Adapters give them."""
