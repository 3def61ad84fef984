"""What several models share: moments."""

import pytest
from pydantic import TypeAdapter, ValidationError

from aos_upgrade_plugin.models.base import Utc

_MOMENT: TypeAdapter[Utc] = TypeAdapter(Utc)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_utc_does_not_have_is_refused(text: str) -> None:
    """It is wrong data, as any other; what comes just before or after it is kept in UTC."""
    with pytest.raises(ValidationError, match="before the year 1 or after the year 9999"):
        _MOMENT.validate_python(text)
    assert _MOMENT.validate_python(text[:-6] + "+00:00").isoformat() == text[:-6] + "+00:00"
