"""The rewrite passes, one a file. Each is a function from plan to plan; `engine/pipeline.py` has their order."""
