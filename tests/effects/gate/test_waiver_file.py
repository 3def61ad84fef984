"""Files of waivers that are none."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.gate.waiver_file import read_waivers
from aos_upgrade_plugin.errors import ExitCode, UsageError


@pytest.mark.parametrize("content", [None, b"no toml", b"\xff", b"waiver = 1"])
def test_what_is_no_file_of_waivers_is_a_wrong_argument(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, or of another kind: one line and exit 2, before anything begins."""
    path = tmp_path / "nope"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="nope") as refused:
        read_waivers(path)
    assert refused.value.exit_code is ExitCode.USAGE
