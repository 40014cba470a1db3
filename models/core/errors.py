"""What can go wrong that a caller can do something about. The edge turns each into a problem+json answer."""

from __future__ import annotations


class NotFound(Exception):
    """There is no such thing, or it is somebody else's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")


class Stale(Exception):
    """What was to be edited has changed since the caller read it."""

    def __init__(self) -> None:
        super().__init__("It has changed since you read it. Read it again, and send If-Match with its new ETag.")


class KeyReused(Exception):
    """An idempotency key, or a turn's id, came again with another body."""

    def __init__(self) -> None:
        super().__init__("This key was used before with another body. Send a new key, or the same body.")


class Contention(Exception):
    """Others who write the same documents won every time. Safe to try again."""


class AdmissionSettled(Exception):
    """An admission that was asked for again has been settled: it holds nothing any more."""

    def __init__(self) -> None:
        super().__init__("The turn of this admission has been counted. Ask for another one, with a new key.")


class MadeByServer(Exception):
    """A user would end what a server reserved."""

    def __init__(self) -> None:
        super().__init__("A server made this reservation: only servers release it.")


class TooManyTurns(Exception):
    """A user records more within a minute than may be written.

    Attributes:
        retry_after: Seconds until more is taken.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__("More turns, or longer ones, than are taken within a minute. Send this one again later.")
        self.retry_after = retry_after


class AccountClosed(Exception):
    """The account may not write.

    Attributes:
        status: `suspended`, `blocked` or `deleted`.
    """

    def __init__(self, status: str) -> None:
        super().__init__(f"This account is {status}.")
        self.status = status


class WrongStatus(Exception):
    """An action that an account's status does not allow."""

    def __init__(self, action: str, status: str) -> None:
        super().__init__(f"{action} can't be done to an account that is {status}.")


class SelfModeration(Exception):
    """Staff would moderate their own account."""

    def __init__(self) -> None:
        super().__init__("Nobody moderates their own account. Ask somebody else of the staff.")


class Outranked(Exception):
    """Staff would act on somebody with more rights than their own."""

    def __init__(self) -> None:
        super().__init__("This account has more rights than yours. Ask an admin.")


class LastAdmin(Exception):
    """An account would be closed without which there were no active admin."""

    def __init__(self) -> None:
        super().__init__(
            "No other active admin is known, so this account can't be closed. Give somebody else the role "
            "Vimarsh.Admin in Entra ID, and have them call GET /api/me; then repeat this."
        )


class PreferencesTooLarge(Exception):
    """The preferences would be larger than they may be, with what is there already."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"All preferences together may have {max_bytes} bytes. Remove some by setting them to null.")


class NameTaken(Exception):
    """Somebody else has a name that must be unique.

    Attributes:
        what: Whose name it is, such as `username`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} is taken. Choose another one.")
        self.what = what


class SeatsTaken(Exception):
    """Somebody would join an organization that has no seat left."""

    def __init__(self) -> None:
        super().__init__("All seats of this organization are taken. Remove somebody, or have more seats given.")


class LastOrganizationAdmin(Exception):
    """An organization would be left without anybody who answers for it."""

    def __init__(self) -> None:
        super().__init__("This is the organization's last admin. Make somebody else admin first, or hand it over.")


class NotOrphaned(Exception):
    """Somebody would take over an organization that has an admin."""

    def __init__(self) -> None:
        super().__init__("This organization has an admin, who can hand it over.")


class MoreThanOnesOwn(Exception):
    """Somebody would give, or take, rights in an organization that they do not have themselves."""

    def __init__(self) -> None:
        super().__init__("Nobody gives or takes more rights than they have themselves, nor for longer.")


class ConsentRequired(Exception):
    """A child would record a turn, or reserve one, to which no guardian consents."""

    def __init__(self) -> None:
        super().__init__("A guardian has to consent first.")


class BirthYearFixed(Exception):
    """Somebody would be older than they have said."""

    def __init__(self) -> None:
        super().__init__("Nobody makes themselves older: a year of birth can only be changed to a later one.")


class TooManyRequests(Exception):
    """Somebody has asked for as many guardians, or wards, as wait to be confirmed."""

    def __init__(self) -> None:
        super().__init__("As many requests wait to be confirmed as may. Try again when one of them is.")


class OwnReview(Exception):
    """Somebody votes for their own review."""

    def __init__(self) -> None:
        super().__init__("This review is your own. Others say whether it is helpful.")


class FindingChanged(Exception):
    """A finding that was to be dismissed is not what the rule finds by now."""

    def __init__(self) -> None:
        super().__init__("The rule finds something else by now, or nothing. Read the risk again.")
