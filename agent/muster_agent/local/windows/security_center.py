"""What the security centre thinks of a kind of protection as a whole (wscapi.h)."""

from __future__ import annotations

import ctypes

from muster_agent.local.windows import registry
from muster_agent.local.windows.libraries import failed, function, not_here, not_understood

NAME = "WscGetSecurityProviderHealth"
# WSC_SECURITY_PROVIDER: firewall, automatic updates, antivirus, antispyware, internet settings, UAC, the service.
PROVIDERS = ("1", "2", "4", "8", "16", "32", "64")
HEALTHS = (0, 1, 2, 3)  # good, not monitored, poor, snoozed
PRODUCT = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions"


def health(provider: str) -> int:
    """0 good, 1 not monitored, 2 poor, 3 snoozed.

    Raises ``api_failed`` when the security centre's service does not run: the function then says S_FALSE, and poor.
    """
    if provider not in PROVIDERS:
        raise ValueError(f"{NAME} is asked for one kind of protection, not {provider}")
    # Servers have the function and no security centre; WinNT is a client, ServerNT and LanmanNT are servers.
    if registry.values(PRODUCT).get("ProductType") != "WinNT":
        raise not_here(NAME)
    ask = function("wscapi", NAME, ctypes.c_int32, ctypes.c_uint32, ctypes.POINTER(ctypes.c_int32))
    answer = ctypes.c_int32(-1)
    result = ask(int(provider), ctypes.byref(answer))
    if result != 0:
        raise failed(NAME, result)
    if answer.value not in HEALTHS:
        raise not_understood(NAME)
    return answer.value
