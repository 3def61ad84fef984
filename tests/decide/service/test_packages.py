"""What becomes of the packages of an environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.service.packages import (
    browser_steps,
    changes,
    choose_installer,
    differences,
    read_snapshot,
)
from aos_upgrade_plugin.models.packages import (
    ChangeKind,
    Package,
    PackageChange,
    PostInstallContext,
)

_VERSIONS = st.sampled_from(["0.1", "0.2", "1.0", "1.0.1", "2.0rc1", "2.0", "1!1.0", "2024.1"])
_INDEX = st.builds(Package, name=st.sampled_from(["a", "b", "c-d"]), version=_VERSIONS)
_ADDRESSES = st.sampled_from(["https://example.org/a.whl", "git+https://example.org/a.git@c0ffee"])
_DIRECT = st.builds(
    Package,
    name=st.sampled_from(["e", "f"]),
    address=_ADDRESSES,
    editable=st.booleans(),
)
_SETS = st.lists(_INDEX | _DIRECT, unique_by=lambda each: each.name).map(tuple)


def _of(version: str | None, address: str | None = None) -> tuple[Package, ...]:
    if version is None and address is None:
        return ()
    return (Package(name="a", version=version, address=address),)


@pytest.mark.parametrize(
    ("before", "after", "kind", "jump"),
    [
        pytest.param(_of(None), _of("1.0"), ChangeKind.INSTALLED, False, id="comes"),
        pytest.param(_of("1.0"), _of(None), ChangeKind.REMOVED, False, id="goes"),
        pytest.param(_of("1.2"), _of("1.10"), ChangeKind.UPGRADED, False, id="same-major"),
        pytest.param(_of("1.19"), _of("2.0"), ChangeKind.UPGRADED, True, id="another-major"),
        pytest.param(_of("0.2.0"), _of("0.2.9"), ChangeKind.UPGRADED, False, id="zero-same-minor"),
        pytest.param(_of("0.25"), _of("0.26"), ChangeKind.UPGRADED, True, id="zero-other-minor"),
        pytest.param(_of("0.9"), _of("1.0"), ChangeKind.UPGRADED, True, id="out-of-zero"),
        pytest.param(_of("2.0"), _of("2.0rc1"), ChangeKind.DOWNGRADED, False, id="pre-release"),
        pytest.param(_of("2.0"), _of("1.0"), ChangeKind.DOWNGRADED, True, id="back-a-major"),
        pytest.param(_of("2024.1"), _of("1!1.0"), ChangeKind.UPGRADED, True, id="epoch"),
        pytest.param(_of("1"), _of("1", "file:///a"), ChangeKind.REPLACED, False, id="elsewhere"),
        pytest.param(_of("old"), _of("new"), ChangeKind.REPLACED, False, id="no-order"),
    ],
)
def test_the_kind_of_a_change(
    before: tuple[Package, ...], after: tuple[Package, ...], kind: ChangeKind, jump: bool
) -> None:
    """Each step is called what it is, and one that may break something is marked."""
    (change,) = changes(before=before, after=after)
    assert (change.kind, change.jump) == (kind, jump)


def test_a_change_is_one_line() -> None:
    """The preview says it at a glance."""
    (change,) = changes(before=_of("1.19"), after=_of("2.0"))
    assert str(change) == "upgraded a 1.19 → 2.0 (major jump)"
    assert str(changes(before=(), after=_of("1"))[0]) == "installed a 1"


@given(_SETS)
def test_nothing_changes_between_equals(packages: tuple[Package, ...]) -> None:
    """What stays is not mentioned, in whatever order it comes."""
    assert changes(before=packages, after=packages[::-1]) == ()
    assert differences(planned=packages, packages=packages[::-1]) == ()


@given(_SETS, _SETS)
def test_changes_are_whole(before: tuple[Package, ...], after: tuple[Package, ...]) -> None:
    """What is not mentioned is in both; what comes and goes is mentioned, once, by name."""
    planned = changes(before=before, after=after)
    names = [each.name for each in planned]
    assert names == sorted(set(names))
    old, new = ({each.name for each in packages} for packages in (before, after))
    comes = {each.name for each in planned if each.kind is ChangeKind.INSTALLED}
    goes = {each.name for each in planned if each.kind is ChangeKind.REMOVED}
    assert (comes, goes) == (new - old, old - new)


@given(_SETS)
def test_a_snapshot_brings_back_what_it_was_made_of(packages: tuple[Package, ...]) -> None:
    """The list in a backup names everything: versions, addresses, editable folders."""
    text = "# made by a test\n\n" + "".join(f"{each.requirement}\n" for each in packages)
    assert changes(before=packages, after=read_snapshot(text)) == ()


@pytest.mark.parametrize("line", ["a>=1", "a", "-e .", "a = 1", "--index-url x"])
def test_a_snapshot_that_pins_nothing_is_refused(line: str) -> None:
    """What names no version could become anything."""
    with pytest.raises(ValueError, match=r"no requirement|no version"):
        read_snapshot(line)


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        pytest.param(("a==1",), (), id="as-planned"),
        pytest.param(("a==2",), ("a 2, planned 1",), id="another-version"),
        pytest.param((), ("a missing, planned 1",), id="missing"),
        pytest.param(("a==1", "b==1"), ("b 1, planned nothing",), id="one-more"),
    ],
)
def test_differences_from_a_plan(packages: tuple[str, ...], said: tuple[str, ...]) -> None:
    """Whatever is not as planned is named."""
    there = read_snapshot("\n".join(packages))
    assert differences(planned=read_snapshot("a==1"), packages=there) == said


def test_an_address_alone_is_as_planned() -> None:
    """What only an address names has the version that it has."""
    planned = read_snapshot("a @ https://example.org/a.whl")
    assert differences(planned=planned, packages=_of("3")) == ()


@pytest.mark.parametrize(
    ("facts", "chosen"),
    [
        pytest.param({"uv", "pip"}, "uv", id="uv-is-quicker"),
        pytest.param({"uv", "pip", "pip_is_told"}, "pip", id="only-pip-knows-the-index"),
        pytest.param({"uv", "pip", "pip_is_told", "uv_is_told"}, "uv", id="both-know"),
        pytest.param({"uv"}, "uv", id="no-pip"),
        pytest.param({"pip"}, "pip", id="no-uv"),
        pytest.param({"uv", "pip", "uv_is_told", "needs_pip"}, "pip", id="editable"),
        pytest.param({"uv", "uv_is_told", "needs_pip"}, None, id="editable-without-pip"),
        pytest.param(set(), None, id="nobody"),
    ],
)
def test_who_installs(facts: set[str], chosen: str | None) -> None:
    """The quicker one, unless only the other knows where packages are."""
    names = ("uv", "pip", "uv_is_told", "pip_is_told", "needs_pip")
    assert choose_installer(**{name: name in facts for name in names}) == chosen


def _change(name: str, after: str | None) -> PackageChange:
    return changes(before=(Package(name=name, version="0"),), after=read_snapshot(after or ""))[0]


@pytest.mark.parametrize(
    ("change", "config", "needed"),
    [
        pytest.param(_change("playwright", "playwright==1.50"), {}, True, id="new-version"),
        pytest.param(_change("playwright", None), {}, False, id="removed"),
        pytest.param(_change("watchdog", "watchdog==6"), {}, False, id="another-package"),
        pytest.param(
            _change("playwright", "playwright==1.50"),
            {"mcp": {"enabled_tool_groups": ["rag", "workflow"]}},
            False,
            id="browser-off",
        ),
        pytest.param(
            _change("playwright", "playwright==1.50"),
            {"mcp": {"enabled_tool_groups": ["browser"]}},
            True,
            id="browser-on",
        ),
        pytest.param(
            _change("playwright", "playwright==1.50"), {"mcp": "garbage"}, True, id="unreadable"
        ),
    ],
)
def test_a_browser_is_fetched(
    change: PackageChange, config: dict[str, object], needed: bool
) -> None:
    """A new playwright needs its own browser, unless the server offers none."""
    context = PostInstallContext.model_validate({"changes": [change], "config": config})
    steps = browser_steps(context)
    assert [str(step) for step in steps] == ["playwright install chromium"] * needed
