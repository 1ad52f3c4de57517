"""A new program for the node, from the agent. Loaded when an update is offered, and dropped afterwards.

1. The **manifest** comes first, and nothing is kept of a release whose manifest is not signed by the release key, is for
   other hardware or another .mpy format, is not newer than what runs, wants a newer one to stand on, or does not fit.
2. The folder that does not run is emptied, and the file list and the files are written into it in order, in pieces. How
   far it has come is seen from what lies there: a power cut costs at most the piece that was on its way.
3. When all is there, each file's hash is taken from flash. A file that is wrong is removed and asked for again.
4. The pointer is replaced, which is the one step in which the update happens, and the board starts again.
5. The agent's receipt for a record of the new program confirms it (`trial`). Without one the old program comes back after
   three starts (`voltnode.selector`).

Metering does not wait: flash is written between two transactions of the bus, signature and hashes are checked in steps.
"""

KEY_FILE = "release.key"
"""In the root of the board's file system, x and y of the release key: `factory-reset` does not touch it."""
