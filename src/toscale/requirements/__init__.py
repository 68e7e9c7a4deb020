"""Step 1: estimates, latency budgets, targets and their verdicts, and what is still vague."""
