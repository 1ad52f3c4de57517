"""ECDSA P-256 signatures in plain MicroPython, and the signer that holds the node's key.

`signer` is what the rest of the node uses. `p256` signs, `verify` checks (loaded for an update, then dropped), `nonce`
makes the secret number of a signature, `curve` is the arithmetic, `comb` its table.
"""
