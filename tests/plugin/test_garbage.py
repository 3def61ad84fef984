"""A gate searches for garbage while it runs checks, and never among what it loaded for them."""

from tests.plugin.worlds import World

CHECK = '''
    import gc

    SEARCHED_WHILE_LOADING = gc.isenabled()

    @check("ACME-1", gate=Gate.PRE_FLIGHT, severity=Severity.BLOCKER, remedy="none")
    def check_garbage():
        """The garbage of checks is found, as in any other process."""
        assert not SEARCHED_WHILE_LOADING, "what is loaded was searched while it was loaded"
        assert gc.isenabled(), "the garbage of checks is never found"
        assert gc.get_freeze_count() > 0, "what was loaded is searched again and again"
    '''


def test_garbage_is_searched_for_once_everything_is_loaded(world: World) -> None:
    """Loading is quick, and a check that makes cycles of large things does not fill the memory."""
    world.install("acme-checks", {"check_acme": CHECK})
    answer = world.gate()
    assert answer.outcomes() == {"ACME-1": "passed"}, answer.messages()
    assert answer.verdict.opens
