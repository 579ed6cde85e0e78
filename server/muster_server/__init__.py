"""Muster's server: receives reports, keeps their history, judges them against policies and renders the answers."""
