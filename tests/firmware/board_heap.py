"""Imported before anything large: rubbish is collected often, so that what stays lies close together, as on the board."""

import gc

if hasattr(gc, "threshold"):
    gc.threshold(4096)
