"""What becomes of the user's own files in folders that upstream renamed or gave up."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from aos_upgrade_plugin.decide.content.resolution import folders_above
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts, Operation
from aos_upgrade_plugin.models.tree import TreePath

USAGE: TreePath = "usage"
"""The folder of guides that the first servers searched and later ones do not."""
USAGE_NOW: TreePath = "standards/development/usage"
"""Where a user's own guides are searched since."""


def content_folders(facts: MigrationFacts) -> Migration | None:
    """Let the user's files in a folder that upstream renamed move along with it."""
    renamed = renamed_folders(laid_down=facts.laid_down.keys(), incoming=facts.incoming.keys())
    moves = tuple(_moves(facts, renamed.items()))
    if not moves:
        return None
    names = ", ".join(f"{old} is {new} now" for old, new in renamed.items())
    return Migration(
        id="content-folders",
        title="Your own files in renamed folders move along",
        why=f"{names}; what is your own stays behind otherwise",
        operations=moves,
    )


def usage_folder(facts: MigrationFacts) -> Migration | None:
    """Keep the user's own guides where the server looks for them, wherever upstream has usage/."""
    if Part.CONTENT not in facts.parts:
        return None
    comes = any(path.startswith(f"{USAGE}/") for path in facts.incoming)
    came = any(path.startswith(f"{USAGE}/") for path in facts.laid_down)
    old, new = (USAGE_NOW, USAGE) if comes else (USAGE, USAGE_NOW)
    if comes and came:
        return None
    moves = tuple(_moves(facts, [(old, new)]))
    if not moves:
        return None
    why = "upstream has usage/ again" if comes else "nothing comes to usage/ any more"
    return Migration(
        id="usage-folder",
        title="Your own guides move to where the server searches",
        why=f"{why}, and {len(moves)} of the files there are yours alone",
        operations=moves,
    )


def renamed_folders(
    *, laid_down: Collection[TreePath], incoming: Collection[TreePath]
) -> Mapping[TreePath, TreePath]:
    """Find the folders that are gone and of whose files more than half are below one other.

    The same path below it counts. Only the highest folder of what moved is named, in path order.
    """
    still = {folder for path in incoming for folder in folders_above(path)}
    gone = {folder for path in laid_down for folder in folders_above(path)} - still
    ends = _by_their_ends(set(incoming) - set(laid_down))
    renamed: dict[TreePath, TreePath] = {}
    for folder in sorted(gone):
        if "/" not in folder or any(above in renamed for above in folders_above(folder)):
            continue
        inside = [path[len(folder) + 1 :] for path in laid_down if path.startswith(f"{folder}/")]
        found = Counter(above for end in inside for above in ends.get(end, ()))
        best = min(found, key=lambda above: (-found[above], above), default=None)
        if best is not None and found[best] * 2 > len(inside):
            renamed[folder] = best
    return renamed


def _by_their_ends(paths: AbstractSet[TreePath]) -> Mapping[TreePath, list[TreePath]]:
    """Map each end of each path to the folders that it stands in."""
    ends: defaultdict[TreePath, list[TreePath]] = defaultdict(list)
    for path in sorted(paths):
        for above in folders_above(path):
            ends[path[len(above) + 1 :]].append(above)
    return ends


def _moves(
    facts: MigrationFacts, renamed: Iterable[tuple[TreePath, TreePath]]
) -> Iterator[Operation]:
    """Move what is the user's own, where nothing stands or comes."""
    for old, new in renamed:
        for path in facts.users_own_below(old):
            to = new + path.removeprefix(old)
            if to not in facts.target and to not in facts.incoming:
                yield Operation(path=path, to=to)
