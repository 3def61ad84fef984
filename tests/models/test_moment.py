"""Moments compared: by the machine's ticks where it tells them, else by the clock."""

import pytest

from aos_upgrade_plugin.models.moment import Moment, Ticks


def _at(at_s: float, count: int | None = None, boot: str = "one") -> Moment:
    return Moment(at_s=at_s, ticks=None if count is None else Ticks(boot=boot, count=count))


@pytest.mark.parametrize(
    ("one", "other", "same", "before"),
    [
        pytest.param(_at(100, 7), _at(5000, 7), True, False, id="the-clock-was-set"),
        pytest.param(_at(100, 7), _at(100, 8), False, True, id="the-ticks-tell-them-apart"),
        pytest.param(_at(5000, 7), _at(100, 8), False, True, id="set-back-in-between"),
        pytest.param(_at(100, 8), _at(200, 7, "two"), False, True, id="another-boot"),
        pytest.param(_at(100, 8), _at(100, 8, "two"), False, False, id="another-boot-same-ticks"),
        pytest.param(_at(100), _at(101), True, False, id="clocks-differ-a-little"),
        pytest.param(_at(100), _at(103), False, True, id="by-the-clock"),
        pytest.param(_at(100, 7), _at(103), False, True, id="only-one-has-ticks"),
        pytest.param(_at(103), _at(100), False, False, id="later"),
    ],
)
def test_which_moment_it_was(one: Moment, other: Moment, *, same: bool, before: bool) -> None:
    """What is not surely earlier is not called so."""
    assert one.is_same(other) is other.is_same(one) is same
    assert one.is_before(other) is before
