"""Small products for tests: a source with commits, installations of them, and the way between."""

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.models.journal import JournalHeader
from aos_upgrade_plugin.models.plan import Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.phases.deciding import NOTHING_SAID, Said
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import contents_of, plan_upgrade
from aos_upgrade_plugin.phases.source import take
from tests.effects.repositories import Item, Tree

NOW = datetime(2025, 11, 21, 12, tzinfo=UTC)
PLACES = {
    b"universal/standards/": b"standards/universal/",
    b"universal/usage/": b"usage/",
    b"universal/workflows/": b"workflows/",
    b"mcp_server/": b"mcp_server/",
    b"scripts/": b"scripts/",
}


def product(content: Mapping[bytes | str, bytes | Item], *, version: str = "1.0.0") -> Tree:
    """Return a source tree of the product with some content below ``universal/``."""
    named: Tree = {b"universal/" + _raw(path): item for path, item in content.items()}
    return {
        ".agent-os/README.md": b"signs\n",
        "VERSION.txt": version.encode() + b"\n",
        "mcp_server/__main__.py": b"print('server')\n",
        **named,
    }


def lay_down(tree: Tree, project: Path, *, folder: str = ".agent-os") -> Path:
    """Install a source tree as the product's own instructions do, over what is there."""
    install = project / folder
    for path, item in tree.items():
        raw = _raw(path)
        for origin, place in PLACES.items():
            if raw.startswith(origin):
                put(install, place + raw.removeprefix(origin), item)
    return install


def put(root: Path, path: bytes | str, item: bytes | Item) -> None:
    """Write one file or link with the folders above it, over what is there."""
    content, mode = item if isinstance(item, Item) else Item(item)
    location = os.path.join(os.fsencode(root), _raw(path))
    os.makedirs(os.path.dirname(location), exist_ok=True)
    if os.path.lexists(location):
        os.unlink(location)
    if mode == "120000":
        os.symlink(content, location)
        return
    Path(os.fsdecode(location)).write_bytes(content)
    os.chmod(location, int(mode[3:], 8))


def plan(
    project: Path,
    source: Path,
    reference: str = "HEAD",
    on_conflict: OnConflict = OnConflict.FAIL,
    said: Said = NOTHING_SAID,
) -> UpgradePlan:
    """Plan the content upgrade of the installation in a project."""
    options = Options(only=Scope.CONTENT, on_conflict=on_conflict)
    return plan_upgrade(
        find(project), take(source, reference), options=options, created_at=NOW, said=said
    )


def prepared(upgrade: UpgradePlan, install: Path) -> Transaction:
    """Stage a plan, ready to be applied."""
    header = JournalHeader(
        owner="test",
        purpose="content",
        created_at=NOW,
        changes=ordered((one.change for one in upgrade.changes), folders=upgrade.target),
    )
    with contents_of(upgrade, install) as content_of:
        return Transaction.prepare(install, header, content_of)


def apply(upgrade: UpgradePlan, install: Path) -> None:
    """Make a plan come true, for good."""
    transaction = prepared(upgrade, install)
    transaction.apply()
    transaction.commit()
    shutil.rmtree(install / ".upgrades" / "test", ignore_errors=True)


def _raw(path: bytes | str) -> bytes:
    return path.encode() if isinstance(path, str) else path
