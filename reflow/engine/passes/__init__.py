"""The rewrite passes of the plan, one a file. Each is a function from plan to plan; `engine/pipeline.py` has the order."""
