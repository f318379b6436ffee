"""Small measurements, one file each; `prepare(name, framework, variant)` returns a program with `step()`.

`name` is the implementation's, `framework` its module. The worker times `step()` and divides by the program's `runs`,
if it has any; a program that times itself has `timed_step()` instead, which returns {metric: seconds}.
"""
