"""What an administrator does to the deployment: one act a module, each written into the audit log as it is done.

A module here defines NAME, a msgspec struct ``Asked`` of what must be said, and ``act``, which does it inside the
running transaction and says what became of it. :mod:`performing` is the only way to call one, from the command line
of the server and over HTTP alike: so no act can go unrecorded.
"""
