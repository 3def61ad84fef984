"""Checks of other distributions: found, listed, planned and enforced, or refused by name."""

import pytest

from aos_upgrade_plugin.models.gate import Distribution, Severity
from tests.plugin.worlds import World

pytestmark = pytest.mark.usefixtures("unmeasured")


def check(check_id: str, body: str = "pass", *, name: str = "check_it", more: str = "") -> str:
    """Return the code of one check."""
    return (
        f'@check("{check_id}", gate=Gate.PRE_FLIGHT, severity=Severity.WARNING,'
        f' remedy="no"{more})\n'
        f'def {name}():\n    """It is well."""\n    {body}\n'
    )


def test_a_second_distribution_brings_a_check(world: World) -> None:
    """It is listed with its distribution, in the order of ids, and run with the others."""
    world.install("acme-checks", {"check_acme": check("ACME-1")})
    other = {"check_other": check("ABLE-1", "assert False, 'no'")}
    world.install("other-checks", other, version="2")
    answer = world.gate()
    assert [(one.id, one.distribution) for one in answer.planned] == [
        ("ABLE-1", Distribution(name="other-checks", version="2")),
        ("ACME-1", Distribution(name="acme-checks", version="1.0")),
    ]
    assert answer.outcomes() == {"ABLE-1": "failed", "ACME-1": "passed"}
    assert [one.message for one in answer.verdict.findings] == ["no"]


def test_all_gates_can_be_listed_at_once(world: World) -> None:
    """A plan is made of the checks of every gate, in one go."""
    later = check("ACME-2").replace("PRE_FLIGHT", "ROLLBACK")
    world.install("acme-checks", {"check_acme": check("ACME-1"), "check_later": later})
    assert [one.id for one in world.gate(None, run=False).planned] == ["ACME-1", "ACME-2"]
    assert [one.id for one in world.gate("rollback", run=False).planned] == ["ACME-2"]


@pytest.mark.measured
def test_modules_folders_and_fixtures(world: World) -> None:
    """A plugin names modules or folders of equal file names, and modules of fixtures."""
    world.install(
        "acme-checks",
        {"check_acme": check("ACME-1")},
        hooks="""
        from pathlib import Path
        @hookimpl
        def aos_check_modules():
            here = Path(__file__).parent
            return ["acme_checks.checks.check_acme", here / "one", here / "two"]
        @hookimpl
        def aos_fixture_modules():
            return ["acme_checks.fixtures"]
        """,
    )
    package = world.site_packages / "acme_checks"
    (package / "fixtures.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef acme(target):\n    return target.name\n"
        "@pytest.fixture\ndef source():\n    return 'not yours to replace'\n"
    )
    for folder in ("one", "two"):
        (package / folder).mkdir()
        body = "assert (acme, source.name) == ('.praxis-os', 'source')"
        code = check(f"ACME-{folder.upper()}", body).replace("check_it()", "check_it(acme, source)")
        head = "from aos_upgrade_plugin.api import *\n"
        (package / folder / "check_same.py").write_text(head + code)
    for jobs in (1, 2):
        answer = world.gate(limits={"jobs": jobs})
        assert {*answer.outcomes().items()} == {
            ("ACME-1", "passed"),
            ("ACME-ONE", "passed"),
            ("ACME-TWO", "passed"),
        }


@pytest.mark.measured
def test_applicability_is_decided_from_facts(world: World) -> None:
    """What has nothing to measure is not planned, and its reason is kept."""
    applies = """
    def when_blue(context):
        if context.facts["acme_colour"] == "blue":
            return Applies()
        return NotApplies(reason=f"the colour is {context.facts['acme_colour']}")
    """.replace("\n    ", "\n")
    world.install(
        "acme-checks",
        {
            "check_acme": check("ACME-1")
            + applies
            + check("ACME-2", "assert False", name="check_blue", more=", applies=when_blue")
        },
        hooks="""
        @hookimpl
        def aos_check_modules():
            return ["acme_checks.checks"]
        @hookimpl
        def aos_facts(context):
            return {"acme_colour": (context.target / "colour").read_text()}
        """,
    )
    (world.target / "colour").write_text("red")
    answer = world.gate()
    assert [one.not_applicable for one in answer.planned] == [None, "the colour is red"]
    assert answer.outcomes() == {"ACME-1": "passed"}
    assert [(one.check, one.reason) for one in answer.verdict.excused] == [
        ("ACME-2", "the colour is red")
    ]
    (world.target / "colour").write_text("blue")
    assert world.gate(planned=answer.planned).outcomes() == {"ACME-1": "passed", "ACME-2": "failed"}


def test_a_check_that_cannot_say_whether_it_applies_shuts_the_gate(world: World) -> None:
    """Not knowing is not a reason to leave a check out."""
    code = check("ACME-1") + check("ACME-2", name="check_b", more=", applies=lambda context: 1 / 0")
    world.install("acme-checks", {"check_acme": code})
    answer = world.gate()
    assert answer.outcomes() == {"ACME-1": "passed", "ACME-2": "error"}
    assert not answer.verdict.opens


def test_a_renamed_check_answers_to_its_old_name(world: World) -> None:
    """A plan made before the renaming is still proven, and so are waivers."""
    world.install("acme-checks", {"check_acme": check("ACME-OLD")})
    planned = world.gate(run=False).planned
    renamed = check("ACME-NEW", "assert False", more=', aliases=("ACME-OLD",)')
    world.install("acme-checks", {"check_acme": renamed})
    waiver = {"check": "ACME-OLD", "approver": "Ada", "reason": "x"}
    waiver["expires"] = "2999-01-01T00:00:00Z"
    assert world.gate(planned=planned).outcomes() == {"ACME-OLD": "failed"}
    assert world.gate(waivers=[waiver]).outcomes() == {"ACME-NEW": "waived"}


def test_severity_and_title_are_listed(world: World) -> None:
    """The title is the first line of the docstring."""
    world.install("acme-checks", {"check_acme": check("ACME-1")})
    (one,) = world.gate(run=False).planned
    assert (one.title, one.severity, one.remedy) == ("It is well", Severity.WARNING, "no")


TWICE = check("ACME-1") + check("ACME-2")
HIDDEN = f"hide = lambda function: lambda: None\n@hide\n{check('ACME-1')}"


@pytest.mark.measured
@pytest.mark.parametrize(
    ("modules", "words"),
    [
        pytest.param(["import of_nothing"], ["No module named 'of_nothing'"], id="import"),
        pytest.param(["raise SystemExit(0)"], ["SystemExit: 0"], id="exit-at-import"),
        pytest.param(["os._exit(0)"], ["cannot be listed", "status 0"], id="gone"),
        pytest.param(["X = 1"], ["acme-checks 1.0 brings", "none"], id="no-checks-in-it"),
        pytest.param([], ["acme-checks 1.0 brings", "there are none"], id="no-modules"),
        pytest.param([check("acme")], ["acme (check_it) is declared wrongly: id"], id="id"),
        pytest.param([check("AOS-P001")], ["AOS-… are aos-upgrade's own"], id="prefix"),
        pytest.param([check("ACME-1", "yield")], ["plain function, no yield"], id="generator"),
        pytest.param([check("ACME-1", name="it_is")], ["begins with check_, not it_is"], id="name"),
        pytest.param(["def check_it(): pass"], ["check_it of acme-checks 1.0"], id="undeclared"),
        pytest.param([TWICE], ["declares ACME-1 for no function"], id="one-function-name-twice"),
        pytest.param([HIDDEN], ["declares ACME-1 for no function"], id="hidden-by-a-decorator"),
        pytest.param(
            [check("ACME-1"), check("ACME-1")],
            ["ACME-1 is the name of two", "check_0.check_it", "check_1.check_it"],
            id="id-twice",
        ),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused(
    world: World, modules: list[str], words: list[str]
) -> None:
    """No list is made that lacks a check, or has two of one name."""
    world.install("acme-checks", {f"check_{n}": code for n, code in enumerate(modules)})
    answer = world.gate(run=False)
    assert answer.cure
    assert [one for one in words if one not in answer.refused] == []


def test_two_distributions_with_one_name_for_a_check(world: World) -> None:
    """Both are named, and how to go on."""
    world.install("acme-checks", {"check_a": check("ACME-1")})
    world.install("other-checks", {"check_b": check("OTHER-1", more=', aliases=("ACME-1",)')})
    answer = world.gate(run=False)
    assert "acme-checks 1.0" in answer.refused
    assert "other-checks 1.0" in answer.refused
    assert "AOS_UPGRADE_DISABLE_PLUGINS=other-checks" in answer.cure
    environ = {"AOS_UPGRADE_DISABLE_PLUGINS": "Other_Checks"}
    assert [one.id for one in world.gate(run=False, environ=environ).planned] == ["ACME-1"]


@pytest.mark.parametrize(
    "hooks",
    [
        pytest.param("import of_nothing", id="import-error"),
        pytest.param("@hookimpl\ndef aos_no_such_hook(): pass", id="unknown-hook"),
        pytest.param("@hookimpl\ndef aos_check_modules(): return 1 / 0", id="raises"),
        pytest.param("@hookimpl\ndef aos_check_modules(): return 5", id="wrong-answer"),
        pytest.param("@hookimpl\ndef aos_check_modules(): return ['no_such']", id="no-module"),
        pytest.param("@hookimpl\ndef aos_facts(context): return {'a': object()}", id="no-json"),
        pytest.param("@hookimpl\ndef aos_facts(context): return {'given': 1}", id="fact-twice"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(world: World, hooks: str) -> None:
    """It is never ignored: its checks would be missing and nobody would know."""
    world.install("acme-checks", {"check_a": check("ACME-1")}, hooks=hooks)
    answer = world.gate(run=False, context={"facts": {"given": 0}})
    assert "acme-checks 1.0" in answer.refused
    assert "AOS_UPGRADE_DISABLE_PLUGINS=acme-checks" in answer.cure
    given = world.folder / "context.json"
    given.write_text('{"facts": {"given": 0}}')
    direct = world.pytest(f"--aos-context={given}")
    assert direct.returncode == 4
    assert "acme-checks 1.0" in direct.stderr


def test_a_parametrised_check_is_refused(world: World) -> None:
    """A check is one item, so that it ends once."""
    mark = "@pytest.mark.parametrize('n', [1, 2])\n"
    code = mark + check("ACME-1").replace("check_it()", "check_it(n)")
    world.install("acme-checks", {"check_a": code, "check_b": check("ACME-2")})
    answer = world.gate()
    assert not answer.verdict.opens
    assert "ACME-1 (check_it) is parametrised" in str(answer.verdict.doubts)
    assert answer.outcomes()["ACME-2"] == "passed"
