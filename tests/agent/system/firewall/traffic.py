"""Run in a network of its own: sets rules, asks the agent about them, and tries to connect from another network.

Standard input: JSON, name -> [[program, its input], …]. Standard output: JSON, name -> what was said and seen.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import Any

PORT = 41234
HERE, THERE = ("203.0.113.1", "2001:db8::1"), ("203.0.113.2/24", "2001:db8::2/64")
# The far side: reads 4 or 6, tries to connect, prints what came of it.
TRY = f"""
import socket, sys
for line in sys.stdin:
    family, address = ((socket.AF_INET, "{HERE[0]}") if line.strip() == "4" else (socket.AF_INET6, "{HERE[1]}"))
    with socket.socket(family) as own:
        own.settimeout(0.25)
        try:
            own.connect((address, {PORT}))
            print("allow", flush=True)
        except OSError:
            print("block", flush=True)
"""


def run(*words: str, **more: Any) -> None:
    """Run a program that must succeed."""
    subprocess.run(words, check=True, **more)


def connect(outside: subprocess.Popen[bytes]) -> list[str]:
    """Lay a cable to the network of the process ``outside``; returns how to run a program there."""
    enter = ["nsenter", "-t", str(outside.pid), "-n"]
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("ip", "link", "set", "lo", "up")
    here = subprocess.run(["ip", "link", "show"], capture_output=True, check=True).stdout
    for _ in range(200):  # until the other side has a network of its own
        there = subprocess.run([*enter, "ip", "link", "show"], capture_output=True, check=False).stdout
        if there and there != here:
            break
        time.sleep(0.02)
    run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0", "netns", str(outside.pid))
    for address in ("203.0.113.1/24", "2001:db8::1/64"):
        run("ip", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
    for address in THERE:
        run(*enter, "ip", "addr", "add", address, "dev", "far0", *(["nodad"] if ":" in address else []))
    run("ip", "link", "set", "eth0", "up")
    run(*enter, "ip", "link", "set", "far0", "up")
    return enter


def listen() -> list[socket.socket]:
    """Sockets of both families that anybody may connect to."""
    found = []
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        own = socket.socket(family)
        if family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        own.bind((address, PORT))
        own.listen(512)
        found.append(own)
    return found


def main() -> None:
    """Set each set of rules, ask, try, and take it away again."""
    sys.path.insert(0, sys.argv[1])
    from muster_agent.collect.firewall import linux_rules
    from muster_agent.local import LocalMachine

    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    outside = subprocess.Popen(["unshare", "-n", "sleep", "600"], **quiet)
    far = None
    try:
        enter = connect(outside)
        listeners = listen()
        argv = [*enter, sys.executable, "-I", "-c", TRY]
        far = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def tried(family: str) -> str:
            assert far is not None and far.stdin is not None and far.stdout is not None
            far.stdin.write(family + "\n")
            far.stdin.flush()
            return far.stdout.readline().strip()

        assert tried("4") == tried("6") == "allow"
        answers = {}
        for name, steps in json.load(sys.stdin).items():
            for program, text in steps:
                run(program, *(["-f", "-"] if program == "nft" else []), input=text, text=True)
            rules = linux_rules.read(LocalMachine())
            answers[name] = {
                "said": rules.inbound(),
                "filters": [origin for origin in ("iptables", "nftables") if rules.filters(origin)],
                "seen": sorted({tried("4"), tried("6")}),
            }
            run("nft", "flush", "ruleset")
            for program in ("iptables-legacy", "ip6tables-legacy"):
                for table in ("filter", "mangle", "raw"):
                    for chain in ("INPUT", "PREROUTING"):
                        words = [program, "-t", table, "-P", chain, "ACCEPT"]
                        subprocess.run(words, check=False, stderr=subprocess.DEVNULL)
                    run(program, "-t", table, "-F")
        assert listeners
        print(json.dumps(answers))
    finally:
        for process in (outside, far):
            if process is not None:
                process.kill()


if __name__ == "__main__":
    main()
