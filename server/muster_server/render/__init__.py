"""Stage 5: the numbers of a tally put before people, in the terminal and as the month's HTML.

Nothing here counts, divides or compares dates: every number comes from :mod:`muster_server.tally`.
"""
