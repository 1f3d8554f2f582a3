"""Addresses that only this machine reaches."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host, given by its name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
