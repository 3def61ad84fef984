"""A check that does what it should not do, by accident or not, opens no gate."""

import json
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.models.event import KEY_BYTES, Ended, Started, decode, encode
from aos_upgrade_plugin.models.gate import Outcome
from tests.plugin.test_nothing_false_is_green import GOOD, bad
from tests.plugin.worlds import World

pytestmark = pytest.mark.usefixtures("unmeasured")

KEY = bytes(range(KEY_BYTES))
EVENT = Started(check="ACME-1")
LINE = encode(EVENT, key=KEY, number=1)


@given(noise=st.binary(max_size=80), place=st.integers(1, len(LINE) - 2))
def test_only_the_holder_of_the_key_is_heard(noise: bytes, place: int) -> None:
    """A line is genuine whole and unchanged, with its own key, at its own place."""
    assert decode(LINE, key=KEY, number=1) == EVENT
    changed = bytearray(LINE[:-1])
    changed[place] ^= 1
    for line, key, number in (
        (noise, KEY, 1),
        (bytes(changed), KEY, 1),
        (LINE[:place], KEY, 1),
        (LINE, KEY[::-1], 1),
        (LINE, KEY, 0),
        (LINE, KEY, 2),
    ):
        with pytest.raises(ValueError, match="seal"):
            decode(line, key=key, number=number)


FORGED = encode(Ended(check="ACME-BAD", outcome=Outcome.PASSED), key=b"guessed", number=1)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            """
            for number in range(3, 300):
                try: os.write(number, b"any words\\n")
                except OSError: pass
            """,
            id="writes-everywhere",
        ),
        pytest.param(
            f"""
            for number in range(3, 300):
                try: os.write(number, {FORGED!r})
                except OSError: pass
            assert False
            """,
            id="forges-its-own-end",
        ),
        pytest.param("os.closerange(3, 300)", id="closes-everything"),
        pytest.param("os.closerange(0, 300)", id="closes-all-of-it"),
        pytest.param(
            """
            for number in range(3, 300):
                try: os.write(number, b"x" * (1 << 21))
                except OSError: pass
            """,
            id="a-line-without-end",
        ),
    ],
)
def test_meddling_with_descriptors_shuts_the_gate(world: World, body: str) -> None:
    """The runner hears only what is sealed; anything else on the line is trouble."""
    world.install("acme-checks", {"check_bad": bad(body), "check_good": GOOD})
    verdict = world.gate().verdict
    assert not verdict.opens
    assert {one.check.id for one in verdict.results} == {"ACME-BAD", "ACME-GOOD"}


def test_a_forked_copy_says_nothing(world: World) -> None:
    """A check that forks and lets the copy run on does not report everything twice."""
    world.install("acme-checks", {"check_bad": bad("os.fork()"), "check_good": GOOD})
    answer = world.gate()
    assert answer.outcomes() == {"ACME-BAD": "passed", "ACME-GOOD": "passed"}
    ends = [event.check for event in answer.events if isinstance(event, Ended)]
    assert sorted(ends) == ["ACME-BAD", "ACME-GOOD"]


def test_a_forked_copy_that_stays_does_not_delay_the_gate(world: World) -> None:
    """It holds the line open, but after the last word nobody listens."""
    body = """
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(900)
    (request.getfixturevalue("target") / "pid").write_text(str(pid))
    """
    world.install("acme-checks", {"check_bad": bad(body), "check_good": GOOD})
    verdict = world.gate().verdict
    assert verdict.reasons == ()
    assert not _runs(int((world.target / "pid").read_text()))


def test_what_a_check_starts_does_not_inherit_the_line(world: World) -> None:
    """Not even when it asks for all descriptors to be inherited."""
    code = (
        "import os, stat; "
        "found = [n for n in range(3, 300) if os.path.exists(f'/dev/fd/{n}') "
        "and stat.S_ISSOCK(os.fstat(n).st_mode)]; "
        "raise SystemExit(len(found))"
    )
    body = f"""
    import subprocess, sys
    assert subprocess.run([sys.executable, "-c", {code!r}], close_fds=False).returncode == 0
    """
    world.install("acme-checks", {"check_bad": bad(body)})
    assert world.gate().outcomes() == {"ACME-BAD": "passed"}


def test_what_a_check_leaves_running_is_ended(world: World) -> None:
    """A forgotten child, holding our output open, neither delays the gate nor survives it."""
    body = """
    import subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"])
    (request.getfixturevalue("target") / "pid").write_text(str(child.pid))
    """
    world.install("acme-checks", {"check_bad": bad(body)})
    assert world.gate().verdict.opens
    assert not _runs(int((world.target / "pid").read_text()))


def test_a_gate_whose_runner_is_gone_ends(world: World) -> None:
    """Nobody is left who could judge it: it does not go on in the background."""
    body = """
    (request.getfixturevalue("target") / "pid").write_text(str(os.getpid()))
    time.sleep(0.05)
    """
    many = "".join(bad(body).replace("bad", f"bad_{n}").replace("BAD", f"{n}") for n in range(999))
    world.install("acme-checks", {"check_bad": many})
    runner = world.start_gate()
    pid_file = world.target / "pid"
    while not pid_file.exists() or not pid_file.read_text():
        time.sleep(0.05)
    runner.kill()
    runner.wait()
    gate, deadline = int(pid_file.read_text()), time.monotonic() + 60
    while _runs(gate) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(gate), "it goes on although nobody listens"


def test_what_checks_print_is_kept_in_bounds(world: World) -> None:
    """A talkative check fills neither the evidence nor the memory of the runner."""
    body = """
    print("first words")
    for _ in range(300): print("x" * 100_000)
    print("last words")
    os.write(1, b"y" * 1_000_000)
    assert False, "no " * 100_000
    """
    world.install("acme-checks", {"check_bad": bad(body)})
    (result,) = world.gate().verdict.results
    assert result.outcome is Outcome.FAILED
    assert "first words" in result.output
    assert len(result.output) < 20_000
    assert len(result.details) < 20_000
    assert len(result.message or "") < 1_000
    assert world.log.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        pytest.param('{"a": [1, 2.5, None, True, "é"]}', "passed", id="json"),
        pytest.param("object()", "error", id="an-object"),
        pytest.param("b'bytes'", "error", id="bytes"),
        pytest.param("'x' * 100_000", "error", id="too-long"),
        pytest.param("'\\udcff'", "error", id="not-text"),
    ],
)
def test_facts_are_json_of_modest_size(world: World, value: str, outcome: str) -> None:
    """What cannot be evidence is the check's error, at once; what can comes back as it was."""
    body = f"record_fact('value', {value})"
    world.install("acme-checks", {"check_bad": bad(body).replace("request", "record_fact")})
    answer = world.gate()
    assert answer.outcomes() == {"ACME-BAD": outcome}
    if outcome == "passed":
        assert json.dumps(answer.verdict.facts["value"]) == json.dumps(
            {"a": [1, 2.5, None, True, "é"]}
        )


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
