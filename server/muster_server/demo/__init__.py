"""A demonstration: this PC for real, and around it a simulated office whose PCs report through the same door.

Nothing here shortens the way: simulated PCs are recordings that the agent's own collectors read, enrol with tokens of
their own, sign their reports and send them over HTTP. They carry the tag ``simulated``, and every report says so.
"""
