"""Volthood: the household's agent. A neighbourhood that trades its own electricity, with nobody in the middle."""

# Written out because this file is also copied to the board, where no distribution metadata exists.
__version__ = "0.1.0"
