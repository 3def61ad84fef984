"""An index whose table the server to come calls otherwise."""

import pytest

from aos_upgrade_plugin.decide.migration.renamed_index import search_index
from aos_upgrade_plugin.models.layout import Part
from tests.decide.migration_facts import BOTH, facts

NEW = b'self.table = self.db.open_table("new_standards")\n'


@pytest.mark.parametrize(
    ("code", "index", "parts", "applies"),
    [
        pytest.param(NEW, ("old_standards.lance", "build_meta.json"), BOTH, True, id="renamed"),
        pytest.param(NEW, ("new_standards.lance",), BOTH, False, id="the-same"),
        pytest.param(NEW, ("new_standards.lance", "old.lance"), BOTH, False, id="one-is-enough"),
        pytest.param(NEW, (), BOTH, False, id="no-index-yet"),
        pytest.param(NEW, ("build_meta.json",), BOTH, False, id="another-kind-of-index"),
        pytest.param(b"pass\n", ("old.lance",), BOTH, False, id="the-server-names-none"),
        pytest.param(NEW, ("old.lance",), (Part.CONTENT,), False, id="the-server-stays"),
    ],
)
def test_an_index_that_would_not_be_opened_is_made_anew(
    code: bytes, index: tuple[str, ...], parts: tuple[Part, ...], applies: bool
) -> None:
    """Needed, because the search of the new server would quietly read nothing."""
    found = search_index(facts(incoming={"mcp_server/rag.py": code}, index=index, parts=parts))
    assert (found is not None) is applies
    if found is not None:
        assert found.needed
        assert found.lines == ("remove .cache/vector_index, it is made again",)
