"""What Debian's package tools leave on a PC: dpkg's database, apt's lists, settings and logs, read directly.

Reading the files costs a tenth of a second where apt's own programs need one or two, works as any user, and takes no
lock. Where apt's settings make the direct reading doubtful, apt itself is asked
(:mod:`muster_agent.system.deb.simulation`).
"""
