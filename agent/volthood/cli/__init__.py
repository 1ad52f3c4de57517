"""The command `volthood`: thin; what it shows it reads from a household's files."""

from volthood.cli.main import main

__all__ = ["main"]
