"""Times, ages, sizes and states as people read them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.status import SessionView

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def moment(at: datetime) -> str:
    """Return a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def age(seconds: float) -> str:
    """Return an age in its largest unit: ``3 d``."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "0 s"


def since(at: datetime) -> str:
    """Return how long ago something was."""
    return age((datetime.now(UTC) - at) / timedelta(seconds=1))


def size(size_bytes: float) -> str:
    """Return a size in a unit that keeps it short: ``1.4 MB``."""
    unit, *larger = "B", "kB", "MB", "GB", "TB"
    while size_bytes >= 1000 and larger:  # noqa: PLR2004  the step from one unit to the next
        size_bytes, unit = size_bytes / 1000, larger.pop(0)
    return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"


def state(view: "SessionView") -> str:
    """Return where a session stands, also what is not stored of it."""
    if view.session is None:
        return "damaged"
    return "interrupted" if view.interrupted else view.session.session_status.value
