"""Muster's agent: reads the facts of one PC and sends them, signed, to the server. It judges nothing."""

__version__ = "0.1.0"
