"""What the server of an installation leaves on the disk, looked at while it works there."""

import threading
from collections.abc import Callable

from aos_upgrade_plugin.effects.server import index_bytes
from aos_upgrade_plugin.models.server import Site

_LOOKS = 3000


def test_an_index_that_is_put_into_place_meanwhile_can_be_looked_at(
    lay_site: Callable[..., Site],
) -> None:
    """The server renames what it built while a restart waits for it: no restart fails by that."""
    site = lay_site()
    over = threading.Event()

    def build() -> None:
        while not over.is_set():
            partial = site.index_folder / "standards.jsonl.partial"
            partial.write_text("a section\n")
            partial.replace(site.index_folder / "standards.jsonl")

    builder = threading.Thread(target=build)
    builder.start()
    try:
        seen = {index_bytes(site) for _ in range(_LOOKS)}
    finally:
        over.set()
        builder.join()
    assert len("a section\n") in seen


def test_without_an_index_there_is_nothing_of_it(lay_site: Callable[..., Site]) -> None:
    """One that nobody built yet is no error."""
    site = lay_site()
    site.index_folder.rmdir()
    assert index_bytes(site) == 0
