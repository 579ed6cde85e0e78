"""The readers' side of HTTP: how the office stands, for who may know it, and the acts of its administrators.

Every route is declared (declared.py) with who may call it, guarded by that declaration (guard.py) and published by it
(openapi.py). What a page says is what `muster report` prints; nothing is counted here.
"""
