"""Stage 3, store: the history of every PC, content-addressed, on SQLite or PostgreSQL.

A distinct table is kept once; a PC's history is a row of intervals in which it said the same. Cost follows change.
Callers see functions on the contract's types; SQL stays in this folder.
"""
