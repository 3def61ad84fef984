"""Pure decisions: no disk, no clock, no process, no network. Everything comes in as an argument."""
