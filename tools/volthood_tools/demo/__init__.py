"""A neighbourhood on one machine, on real data: `volthood demo`."""
