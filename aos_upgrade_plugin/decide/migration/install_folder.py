"""The install folder under another name: what tells of it is told anew, everything else stays."""

import re
from collections.abc import Iterator

from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts, Operation
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape

IGNORE: TreePath = ".gitignore"
_VARIABLES = rb"\$\{(?:workspaceFolder|workspaceRoot|PWD)\}/|\$PWD/|\./"
"""What stands for the project in the configuration of a client."""


def install_folder(facts: MigrationFacts) -> Migration | None:
    """Rename the install folder as the source names it, with every path that leads into it."""
    if facts.becomes is None:
        return None
    old, new = facts.layout.folder, facts.becomes.folder
    return Migration(
        id="install-folder",
        title=f"The install folder is renamed to {new}",
        why=f"what comes is installed as {new}, and its server does not start in {old}",
        needed=True,
        renames=True,
        part=Part.SERVER,
        operations=tuple(_operations(facts, old, new)),
    )


def with_new_folder(text: bytes, *, old: str, new: str, project: bytes) -> bytes:
    """Replace the install folder in every path that leads into this project's.

    A path may be relative, absolute, or begin with a client's variable for the project; it begins
    a word or follows a quote, ``=``, ``:``, ``,`` or ``;``. One into another project stays.
    """
    root = re.escape(project.rstrip(b"/")) + b"/"
    path = rb"(?P<to>(?<![^\s\"'=:,;\[(])(?:%s|%s)?)%s(?![^\s\"'/\\:,;\])])" % (
        root,
        _VARIABLES,
        re.escape(old.encode()),
    )
    return re.sub(path, lambda match: match["to"] + new.encode(), text)


def with_new_lines(text: bytes, *, old: str, new: str) -> bytes:
    """Replace the install folder in the patterns of a ``.gitignore``; comments stay as they are."""
    line = rb"^(?P<to>!?(?:\*\*/|/)?)%s(?=/|[ \t]*\r?$)" % re.escape(old.encode())
    return re.sub(line, lambda match: match["to"] + new.encode(), text, flags=re.MULTILINE)


def _operations(facts: MigrationFacts, old: str, new: str) -> Iterator[Operation]:
    config = facts.target.get(facts.layout.config)
    if config is not None and config.kind is Kind.FILE:
        before = facts.read(facts.layout.config)
        after = with_new_folder(before, old=old, new=new, project=facts.project)
        if after != before:
            yield Operation(path=facts.layout.config, text=escape(after))
    for path, before in sorted(facts.outside.items()):
        if path == IGNORE:
            after = with_new_lines(before, old=old, new=new)
        else:
            after = with_new_folder(before, old=old, new=new, project=facts.project)
        if after != before:
            yield Operation(path=path, place=Place.PROJECT, text=escape(after))
