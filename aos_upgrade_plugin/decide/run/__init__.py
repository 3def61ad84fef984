"""Where a run stands: its gates, its states, its settings, its report."""
