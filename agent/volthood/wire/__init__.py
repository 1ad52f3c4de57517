"""Bytes and nothing else: canonical CBOR, COSE, the node's records, the market's messages, topics.

Copied unchanged to the board, so every module here uses only what MicroPython has. `README.md` is the format page.
"""
