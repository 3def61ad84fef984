"""What a task's text says, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.workflow.task_text import section_of, task_text
from aos_upgrade_plugin.models.task_text import Step

TASK = """# Task 2: Look at the disk

**Phase:** 0
**Estimated Time:** 5 minutes

## 🎯 Objective

Know how much room there is
before anything is written.

## Steps

### Step 1: Ask

Ask the system.

```bash
# not a heading
df -h .
```

Expected output:

```
Avail
```

### Step 2: Write it down

Say how much it is.
Expected: a number

## Artifacts to produce

- [ ] `room.txt`
* A line in the log

## Next

- something else
"""


def test_a_task_with_steps() -> None:
    """Title, purpose, time, each step with its command, and what it produces."""
    text = task_text(TASK, name="disk")
    assert text.title == "Task 2: Look at the disk"
    assert text.description == "Know how much room there is before anything is written."
    assert text.estimated_duration == "5 minutes"
    assert text.artifacts == ("`room.txt`", "A line in the log")
    assert text.steps == (
        Step(1, "# not a heading\ndf -h .", "Ask\n\nAsk the system.", "Avail"),
        Step(2, "", "Write it down\n\nSay how much it is.", "a number"),
    )


@pytest.mark.parametrize(
    ("text", "title", "steps"),
    [
        ("# T\n\n1. one\n2. two\n", "T", ["one", "two"]),
        ("only words", "name", ["only words"]),
        ("", "name", [""]),
        ("# T\n\nDo it.\n\n```sh\nmake\n```\nExpected: done\n", "T", ["Do it."]),
        ("# T\n```\n1. code\n", "T", [""]),
        ("# T\n", "T", ["# T"]),
    ],
)
def test_a_task_without_headed_steps(text: str, title: str, steps: list[str]) -> None:
    """A numbered list is its steps; where there is none, the whole text is one."""
    found = task_text(text, name="name")
    assert (found.title, [step.description for step in found.steps]) == (title, steps)
    commands = {"make": "done", "1. code": ""}
    assert all(commands.get(step.command, "") == step.expected_output for step in found.steps)
    assert bool(found.steps[0].command) is ("```" in text)


PHASE = """# Phase 0
## Tasks
### Task 0.1: First
One.
#### More
Of one.
### Task 2 — Second
```
### Task 3
```
## Gate
"""


@pytest.mark.parametrize(
    ("number", "section"),
    [
        (1, "### Task 0.1: First\nOne.\n#### More\nOf one.\n"),
        (2, "### Task 2 — Second\n```\n### Task 3\n```\n"),
        (3, PHASE),
    ],
)
def test_the_section_of_a_task(number: int, section: str) -> None:
    """A task without a file of its own is a section of its phase's text."""
    assert section_of(PHASE, number=number) == section


@given(st.text(st.sampled_from("#`~ \n-1.*aStep:T")))
def test_any_text_is_a_task(text: str) -> None:
    """Whatever a file holds, there is something to do."""
    assert task_text(text, name="name").steps
    section_of(text, number=1)
