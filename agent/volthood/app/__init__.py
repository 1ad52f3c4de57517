"""The composition root: the only place that names concrete adapters. Commands start here."""

from volthood.app.main import main

__all__ = ["main"]
