"""Reading a ledger file to its end before anything is locked, its lines kept in an unnamed temporary file."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told of a step in words, how much of it is done, and of how much in all."""
