"""How a graph runs: plan (prune), rewrite passes, placement, partition, schedule, emit, session."""
