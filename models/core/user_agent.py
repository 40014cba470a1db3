"""What a `User-Agent` header says: the kind of device, the browser and the platform."""

import re
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from ua_parser import Device, Domain, Resolver, load_builtins
from ua_parser.basic import Resolver as PythonResolver

from models.core.programs import is_program

DeviceType = Literal["mobile", "desktop", "tablet", "bot"]
Platform = Literal["windows", "mac", "linux", "ios", "android", "chromeos", "other"]

MAX_HEADER_LENGTH = 512
"""Browsers send less than 300 characters; the rules' worst case grows with the square of the length."""

MAX_BROWSER_LENGTH = 64
"""Some of the names are cut out of the header as they stand there."""

_HEADERS_REMEMBERED = 4096

# Compiled when the module is imported (0.1 s), so that no request waits for it. The resolver is named because the
# package would otherwise take whichever it finds installed.
_RESOLVER: Resolver = PythonResolver(load_builtins())

_PLATFORMS: dict[str, Platform] = {
    "Windows": "windows",
    "Mac OS X": "mac",
    "Mac OS": "mac",
    "iOS": "ios",
    "Android": "android",
    "Chrome OS": "chromeos",
    "Linux": "linux",
    "Arch Linux": "linux",
    "CentOS": "linux",
    "Debian": "linux",
    "Fedora": "linux",
    "Gentoo": "linux",
    "Kubuntu": "linux",
    "Linux Mint": "linux",
    "Mandriva": "linux",
    "Red Hat": "linux",
    "SUSE": "linux",
    "Slackware": "linux",
    "Ubuntu": "linux",
}
_DESKTOPS: frozenset[Platform] = frozenset({"windows", "mac", "linux", "chromeos"})
_HANDHELD_SYSTEMS = frozenset({"iOS", "Windows Phone", "Windows Mobile", "KaiOS", "Firefox OS", "BlackBerry OS"})
_TELEVISIONS = ("tv;", "tv ", "tv/", "-tv", "hbbtv", "bravia", "crkey")


class Client(BaseModel):
    """The client that sent a request. What its header doesn't tell is None."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    device_type: DeviceType | None = Field(default=None, description="`bot` is a program without a person before it.")
    browser: str | None = Field(default=None, max_length=MAX_BROWSER_LENGTH, description="Family without version.")
    platform: Platform | None = Field(default=None, description="Operating system; `other` has no name of its own.")


def parse_user_agent(header: str | None) -> Client:
    """The client behind a `User-Agent` header of any length and content, or behind none.

    Only the first `MAX_HEADER_LENGTH` characters are looked at. An iPad whose browser asks for desktop pages (its
    default since iPadOS 13) sends a Mac's header, and is taken for one unless it says `Mobile`, too: no Mac does.
    """
    return _parse(header[:MAX_HEADER_LENGTH]) if header else Client()


@lru_cache(_HEADERS_REMEMBERED)
def _parse(header: str) -> Client:
    found = _RESOLVER(header, Domain.ALL)
    system = found.os.family if found.os else None
    platform = _PLATFORMS.get(system, "other") if system else None
    if _is_disguised_ipad(header.lower()):
        platform = "ios"
    browser = found.user_agent.family[:MAX_BROWSER_LENGTH] if found.user_agent else None
    return Client(
        device_type=_device_type(header.lower(), system, platform, found.device),
        browser=browser or None,
        platform=platform,
    )


def _device_type(
    header: str, system: str | None, platform: Platform | None, device: Device | None
) -> DeviceType | None:
    if (device and device.brand == "Spider") or is_program(header):
        return "bot"
    if any(television in header for television in _TELEVISIONS):
        return None
    if _is_tablet(header, platform):
        return "tablet"
    if platform == "android" or system in _HANDHELD_SYSTEMS:
        return "mobile"
    return "desktop" if platform in _DESKTOPS else None


def _is_tablet(header: str, platform: Platform | None) -> bool:
    """Android's own rule is that a phone says `Mobile` and a tablet doesn't; apps' HTTP clients say neither."""
    if (
        "ipad" in header or _is_disguised_ipad(header) or ("tablet" in header and platform != "windows")
    ):  # Windows says so of any touch screen
        return True
    return platform == "android" and header.startswith("mozilla/") and "mobile" not in header


def _is_disguised_ipad(header: str) -> bool:
    return "macintosh" in header and re.search(r"\bmobile\b", header) is not None
