"""Stage 2, receive: take in what PCs send, checked in this order: size, signature, form, types. Then store it.

Nothing here ever starts a program or sends a PC anything but a receipt and, for the person at it, how the PC stands:
there is no command channel.
"""
