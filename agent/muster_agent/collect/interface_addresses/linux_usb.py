"""Makers of USB devices (their vendor ids) whose devices appear as Ethernet by the drivers of the class CDC.

A maker of both kinds stands where its devices with these drivers are: Lenovo's and Dell's are docks, their modems have
drivers of their own.
"""

from __future__ import annotations

PHONES_AND_MODEMS = {
    "0421": "Nokia",
    "04e8": "Samsung",
    "05c6": "Qualcomm",
    "0bb4": "HTC",
    "0bdb": "Ericsson",
    "0e8d": "MediaTek",
    "0fce": "Sony",
    "1004": "LG",
    "1199": "Sierra Wireless",
    "12d1": "Huawei",
    "1410": "Novatel",
    "1782": "Unisoc",
    "18d1": "Google",
    "19d2": "ZTE",
    "1bbb": "TCL",
    "1bc7": "Telit",
    "1c9e": "Longcheer",
    "1e0e": "SIMCom",
    "22b8": "Motorola",
    "22d9": "OPPO",
    "2717": "Xiaomi",
    "2a45": "Meizu",
    "2a70": "OnePlus",
    "2c7c": "Quectel",
    "2cb7": "Fibocom",
    "2d95": "vivo",
    "2e04": "HMD",
    "339b": "Honor",
}
ADAPTERS = {
    "03f0": "HP",
    "045e": "Microsoft",
    "0557": "ATEN",
    "07a6": "ADMtek",
    "0b95": "ASIX",
    "0bda": "Realtek",
    "0fe6": "ICS",
    "17e9": "DisplayLink",
    "17ef": "Lenovo",
    "2001": "D-Link",
    "20f4": "TRENDnet",
    "2357": "TP-Link",
    "413c": "Dell",
    "9710": "MosChip",
}
