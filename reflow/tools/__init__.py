"""Programs about programs: what a script's graphs compile to."""
