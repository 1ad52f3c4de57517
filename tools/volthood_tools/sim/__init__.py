"""The simulator: whole neighbourhoods of real engines in one process, in virtual time, over a network that fails by plan.

The same seed gives the same run, byte for byte. What is simulated is the world (clocks, network, crashes, liars, meters),
never the agents: they are the engine that runs in homes, with real signatures.
"""
