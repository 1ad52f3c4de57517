"""Every limit on what a peer can inflate, in one place. A test goes one past each.

Sizes are bytes, counts are items. The board imports this file too: plain integers only.
"""

MAX_DEPTH = 8
"""Arrays, maps and tags that one value may stand inside of."""

MAX_ITEMS = 4096
"""Entries of one CBOR array or map."""

MAX_INT_BITS = 63
"""Magnitude of an integer: -(2**63) .. 2**63 - 1. Two's complement signed 64 bit holds every value."""

MAX_RECORD_BYTES = 512
"""A signed reading with `closed` ranges and per-phase values."""

MAX_SLOT_RECORD_BYTES = 184
"""A slot record without `closed` (a mark of the design)."""

MAX_CLOSED_RANGES = 8
"""Ranges of rseq that one record may close."""

MAX_LIVE_BYTES = 256
"""A live-value message."""

MAX_STATUS_BYTES = 1024
"""What a node says of itself, JSON."""

MAX_RECEIPT_BYTES = 128
"""A receipt from agent to node."""

MAX_VERB_BYTES = 1024
"""A verb from agent to node."""

MAX_VERB_CHARS = 16
"""A verb's name."""

MAX_VERB_ARGUMENT_BYTES = 864
"""What a verb carries; the largest verb stays below its limit."""

MAX_ANSWER_BYTES = 1024
"""One part of a node's answer to a verb."""

MAX_ANSWER_BODY_BYTES = 768
"""What one part of an answer carries."""

MAX_ANSWER_PARTS = 32
"""Parts of one answer."""

MAX_RELEASE_NUMBER = 9999
"""Each of the three numbers of a release."""

MAX_MANIFEST_BYTES = 256
"""A signed manifest: it must fit into one verb."""

MAX_UPDATE_FILES = 200
"""Files of one release."""

MAX_UPDATE_PATH_CHARS = 64
"""A file's path in a release."""

MAX_UPDATE_FILE_BYTES = 64 * 1024
"""One file of a release."""

MAX_UPDATE_BYTES = 256 * 1024
"""All files of a release. The board has two places for them in 2 MB."""

MAX_UPDATE_LIST_BYTES = 20 * 1024
"""The file list of a release."""

MAX_UPDATE_PIECE_BYTES = 832
"""A piece of a release; with its step it fits into one verb."""

MAX_ORDER_STEPS = 16
"""Steps (price, energy) of one order."""

MAX_ORDER_BYTES = 512
"""One signed order. 16 full-size steps stay below."""

MAX_MEMBERS = 1000
"""Members of a hood, and so orders in a bundle."""

MAX_EVIDENCE = 16
"""Pairs of conflicting orders that one bundle may carry."""

MAX_BUNDLE_BYTES = 512 * 1024
"""One signed bundle with all orders in full."""

MAX_ASK_BYTES = 256
"""One ask."""

MAX_GIVE_BYTES = MAX_BUNDLE_BYTES + 256
"""A give carries an order or a bundle in full."""

MAX_EVIDENCE_BYTES = 2 * MAX_BUNDLE_BYTES + 256
"""Two conflicting bundles in full: a hash alone would convict nobody."""

MAX_CONTRACT_BYTES = 512
"""One signature over a contract."""

MAX_SETTLEMENT_BYTES = 384
"""One signature over a settlement."""

MAX_INBOX_BYTES = 8 * 1024
"""A sealed inbox message."""

MAX_INBOX_BODY_BYTES = MAX_INBOX_BYTES - 512
"""The message inside: envelope, signature and seal need up to 263 bytes."""

MAX_NOTE_BYTES = 1024 * 1024
"""A roster or hood file with all its signatures."""

MAX_NOTE_SIGNATURES = 2 * MAX_MEMBERS
"""Signature lines of one note: every member, and as many witnesses."""

MAX_NODES = 8
"""Node keys of one member."""

MAX_BROKER_CHARS = 100
"""A broker's address in the roster."""

MAX_FUSE_W = 10**8
"""A connection's limit in the roster: 100 MW."""

MAX_NAME_CHARS = 32
"""A house, hood or node name in a topic."""

MAX_ENERGY_WH = 10**9
"""Energy of one slot at one connection: 1 GWh is far above any fuse, and keeps products inside 63 bits."""

MAX_PRICE_MCT_PER_KWH = 10**8
"""Magnitude of a price: 1,000 currency units per kWh."""
