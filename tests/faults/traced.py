"""Acts on a scenario while strace looks on, and prints the names of the effects that it counted.

Usage: traced.py SCENARIO ROOT. What happens between the two marks is the act.
"""

import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY))  # last: the package under test may be an installed wheel

from tests.faults.interposer import Real, surround  # noqa: E402 - see above
from tests.faults.sweeper import scenario_named  # noqa: E402

MARK = "mark-of-the-act"


def main() -> int:
    """Arrange, then count between the marks."""
    name, root = sys.argv[1], Path(sys.argv[2])
    scenario = scenario_named(name)
    scenario.arrange(root)
    called: list[str] = []

    def count(effect: str, real: Real, arguments: tuple[Any, ...]) -> object:
        called.append(effect)
        return real(*arguments)

    surround(count)
    (root / MARK).mkdir()
    scenario.act(root, lambda _: None)
    (root / MARK).rmdir()
    sys.stdout.write(json.dumps(called))
    return 0


if __name__ == "__main__":
    sys.exit(main())
