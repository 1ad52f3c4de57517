"""The market: orders, the clearing that every agent computes alike, its check, and the round that agrees on the book."""
