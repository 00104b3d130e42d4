r"""Time zones by their Windows names.

Sources: Unicode CLDR `windowsZones` (which IANA zone stands for which Windows name, territory 001),
Microsoft's page "Default Time Zones". Windows keeps the name under `HKLM\SYSTEM\CurrentControlSet\Control`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from winlab.host.registry import Value

if TYPE_CHECKING:
    from winlab.host.model import Host

ZONE_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
ZONE_VALUE = "TimeZoneKeyName"
DEFAULT_ZONE = "UTC"
# `tzutil` puts this behind a name when daylight saving time is switched off for it.
NO_DAYLIGHT_SUFFIX = "_dstoff"

ZONES: dict[str, str] = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Arab Standard Time": "Asia/Riyadh",
    "Atlantic Standard Time": "America/Halifax",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "Central Standard Time": "America/Chicago",
    "China Standard Time": "Asia/Shanghai",
    "E. Australia Standard Time": "Australia/Brisbane",
    "E. Europe Standard Time": "Europe/Chisinau",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Eastern Standard Time": "America/New_York",
    "FLE Standard Time": "Europe/Kyiv",
    "GMT Standard Time": "Europe/London",
    "GTB Standard Time": "Europe/Bucharest",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "India Standard Time": "Asia/Kolkata",
    "Israel Standard Time": "Asia/Jerusalem",
    "Korea Standard Time": "Asia/Seoul",
    "Mountain Standard Time": "America/Denver",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Russian Standard Time": "Europe/Moscow",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Singapore Standard Time": "Asia/Singapore",
    "South Africa Standard Time": "Africa/Johannesburg",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Turkey Standard Time": "Europe/Istanbul",
    "UTC": "UTC",
    "US Eastern Standard Time": "America/Indiana/Indianapolis",
    "US Mountain Standard Time": "America/Phoenix",
    "W. Australia Standard Time": "Australia/Perth",
    "W. Europe Standard Time": "Europe/Berlin",
}


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone of Windows."""

    name: str
    rules: tzinfo

    def local(self, moment: datetime) -> datetime:
        """A moment in this zone."""
        return moment.astimezone(self.rules)


def zone(name: str) -> Zone | None:
    """A zone by its Windows name, or None when winlab's table has none of that name."""
    plain = name.removesuffix(NO_DAYLIGHT_SUFFIX)
    known = next((key for key in ZONES if key.lower() == plain.lower()), None)
    if known is None:
        return None
    if plain != name:
        found = zone(plain)
        return (
            None if found is None else Zone(found.name + NO_DAYLIGHT_SUFFIX, _without_daylight(found.rules))
        )
    if known == DEFAULT_ZONE:
        return Zone(known, UTC)
    try:
        return Zone(known, ZoneInfo(ZONES[known]))
    except ZoneInfoNotFoundError:
        # A machine without time zone data: only UTC is known there.
        return None


def _without_daylight(rules: tzinfo) -> tzinfo:
    """The zone's standard time all year: the smaller offset of winter and summer."""
    halves = (datetime(2024, 1, 1, tzinfo=rules), datetime(2024, 7, 1, tzinfo=rules))
    return timezone(min(moment.utcoffset() or timedelta() for moment in halves))


def set_zone(host: Host, name: str) -> None:
    """Set a host to a zone that `zone` knows."""
    found = zone(name)
    if found is None:
        raise ValueError(f"time zone {name!r}; expected one of the names in ZONES")
    host.registry.set(ZONE_KEY, ZONE_VALUE, Value("string", found.name))


def local_time(host: Host, moment: float) -> datetime:
    """A moment (seconds since 1970) in the zone that a host is set to."""
    return current_zone(host).local(datetime.fromtimestamp(moment, UTC))


def offset(host: Host, moment: float) -> float:
    """How many seconds a host's clocks on the wall are ahead of UTC at a moment."""
    return (local_time(host, moment).utcoffset() or timedelta()).total_seconds()


def moment_of(host: Host, wall: datetime) -> float:
    """The moment (seconds since 1970) at which a host's clocks on the wall show `wall`."""
    return wall.replace(tzinfo=current_zone(host).rules).timestamp()


def current_zone(host: Host) -> Zone:
    """The zone that a host is set to."""
    value = host.registry.get(ZONE_KEY, ZONE_VALUE)
    found = zone(str(value.data)) if value is not None else None
    return found or Zone(DEFAULT_ZONE, UTC)
