"""What of this machine is not said in an answer."""

import pytest

from aos_upgrade_plugin.decide.workflow.workflow_call import pathless

KNOWN = {"/home/some one": "~", "/home/some one/my project": "my project", "/odd.dir": "odd.dir"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("/home/some one/my project/a b is gone", "my project/a b is gone", id="known"),
        pytest.param("in /home/some one/other/x: no", "in ~/other/x: no", id="the-longest-known"),
        pytest.param("see '/home/some one'", "see '~'", id="the-folder-itself"),
        pytest.param("/odd.dirs/x", "…/x", id="only-begins-alike"),
        pytest.param("/oddxdir/x", "…/x", id="a-dot-is-a-dot"),
        pytest.param("/var/lib/thing.json, and more", "…/thing.json, and more", id="unknown"),
        pytest.param("standards/a.md, 1/2, http://a/b", "standards/a.md, 1/2, http://a/b", id="no"),
    ],
)
def test_no_absolute_path_is_told(said: str, told: str) -> None:
    """Of a known folder only its name, whatever the names below it look like."""
    assert pathless({"error": [said, 1, None]}, known=KNOWN) == {"error": [told, 1, None]}
