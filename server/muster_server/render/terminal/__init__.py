"""What `muster report` prints: one module a view, each a pure function from a tally to the lines of the screen.

Words carry the meaning; the marks ``+ x ! ? -`` only help the eye, and nothing but ASCII draws bars and rules, because
consoles in China disagree about the width of everything else (reports.md §2.3).
"""
