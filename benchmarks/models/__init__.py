"""The benchmark models, one file each; every module names its model `MODEL`."""
