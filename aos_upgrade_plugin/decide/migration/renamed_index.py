"""A search index that the server to come does not find, because it calls its table otherwise."""

import re
from collections.abc import Iterator

from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts

# The one library that the product ever kept its index with names a folder after each table.
_OPENS = re.compile(rb"""\bopen_table\(\s*["']([A-Za-z0-9_.-]+)["']""")
_SUFFIX = ".lance"


def search_index(facts: MigrationFacts) -> Migration | None:
    """Remove an index that the server to come would not open: it makes it anew.

    Left in place, the server lists its tools, and its search quietly reads no index at all.
    """
    there = {name.removesuffix(_SUFFIX) for name in facts.index if name.endswith(_SUFFIX)}
    wanted = set(_tables(facts)) if there and Part.SERVER in facts.parts else set()
    if not wanted or wanted & there:
        return None
    return Migration(
        id="search-index",
        title="The search index is made anew",
        why=f"the server to come opens {_named(wanted)}, and the index has {_named(there)}",
        needed=True,
        forgets=(facts.layout.index,),
    )


def _tables(facts: MigrationFacts) -> Iterator[str]:
    """Yield the names of the tables that the server to come opens."""
    for path in sorted(facts.incoming):
        if path.startswith(f"{facts.layout.server}/") and path.endswith(".py"):
            yield from (name.decode("ascii") for name in _OPENS.findall(facts.read_incoming(path)))


def _named(tables: set[str]) -> str:
    return ", ".join(sorted(tables))
