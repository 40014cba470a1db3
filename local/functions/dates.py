"""Dates as .NET reads them from text, with the invariant culture: the `datetime` constraint of routes.

The forms that people write, not all that `DateTime.TryParse` takes: ISO 8601, month before day, names of months, a time
alone.
"""

import re
from datetime import date

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? +)?"
_DATE = [
    r"(?P<year>\d{4})[-/. ](?P<month>\d{1,2})(?:[-/. ](?P<day>\d{1,2}))?",
    r"(?P<month>\d{1,2})[-/. ](?P<day>\d{1,2})(?:[-/. ](?P<year>\d{4}|\d{1,2}))?",
    r"(?P<month>\d{1,2})[-/. ](?P<year>\d{4})",
    rf"(?P<day>\d{{1,2}})[- ]?{_MONTH}(?:[-, ]+(?P<year>\d{{4}}|\d{{1,2}}))?",
    rf"{_MONTH}[- ](?P<day>\d{{1,2}})(?:[-, ]+(?P<year>\d{{4}}|\d{{1,2}}))?",
    rf"{_MONTH}[-, ]+(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[- ]{_MONTH}(?:[- ](?P<day>\d{{1,2}}))?",
]
_TIME = (
    r"(?:(?:[01]?\d|2[0-3]):[0-5]?\d(?::[0-5]?\d(?:\.\d+)?)?(?: *[ap]m?)?|(?:0?\d|1[0-2]) *[ap]m?)"
    r"(?: *(?:z|gmt|[+-](?:0?\d|1[0-4])(?::?[0-5]\d)?))?"
)
_FORMS = [re.compile(rf"\s*{_WEEKDAY}{form}(?:(?:t| +){_TIME})?\s*", re.ASCII | re.IGNORECASE) for form in _DATE] + [
    re.compile(rf"\s*{_TIME}\s*", re.ASCII | re.IGNORECASE)
]


def is_datetime(text: str) -> bool:
    """Whether it is a date, a time, or both."""
    return any(_exists(match.groupdict()) for form in _FORMS if (match := form.fullmatch(text)))


def _exists(parts: dict[str, str | None]) -> bool:
    if not parts:
        return True
    name = parts.get("name")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["month"] or 0)
    try:
        date(int(parts["year"] or 2000), month, int(parts["day"] or 1) if "day" in parts else 1)
    except ValueError:
        return False
    return True
