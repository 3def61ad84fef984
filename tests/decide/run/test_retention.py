"""Which backups may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.run.retention import Kept, superseded

good_or_not = st.lists(st.booleans(), max_size=12)


@pytest.mark.parametrize(
    ("backups", "keep", "needed", "go"),
    [
        pytest.param("", 3, "", "", id="there-are-none"),
        pytest.param("c+ b+ a+", 3, "", "", id="just-enough"),
        pytest.param("d+ c+ b+ a+", 3, "", "a", id="one-too-many"),
        pytest.param("d+ c+ b+ a+", 1, "", "a b c", id="the-oldest-goes-first"),
        pytest.param("d+ c+ b+ a+", 1, "b", "a c", id="a-session-needs-one"),
        pytest.param("d- c+ b+ a+", 2, "", "a", id="a-damaged-one-takes-no-place"),
        pytest.param("d+ c- b+ a-", 2, "", "a", id="a-damaged-one-goes-in-its-turn"),
        pytest.param("d- c- b- a-", 1, "", "", id="no-good-one-is-newer"),
        pytest.param("d+ c+ b- a+", 1, "b", "a c", id="a-damaged-one-may-be-needed"),
    ],
)
def test_superseded(backups: str, keep: int, needed: str, go: str) -> None:
    """The newest good ones stay, and what a session needs."""
    newest_first = [Kept(each[0], each[1] == "+") for each in backups.split()]
    answer = superseded(newest_first=newest_first, keep=keep, needed=set(needed.split()))
    assert answer == tuple(go.split())


@given(good_or_not, st.integers(1, 5), st.sets(st.integers(0, 11)))
def test_enough_is_kept(goods: list[bool], keep: int, needed: set[int]) -> None:
    """As many good ones as asked for stay, if there are, and what is needed always does."""
    names = {str(number) for number in needed}
    backups = [Kept(str(number), good) for number, good in enumerate(goods)]
    go = set(superseded(newest_first=backups, keep=keep, needed=names))
    stay = [backup for backup in backups if backup.name not in go]
    assert not go & names
    assert sum(backup.good for backup in stay) >= min(keep, sum(goods))
    assert all(backup.name in names for backup in stay[keep + goods.count(False) :])
