"""What a program needs around its graph: flags, logging, files, resources, text conversion, versions.

Importing this package publishes their names.
"""

from reflow.platform import (
    app,
    compat_text,
    deprecation,
    file_io,
    flags,
    forward_compatibility,
    gfile,
    libraries,
    logging,
    resource_loader,
    versions,
)

__all__ = [
    "app",
    "compat_text",
    "deprecation",
    "file_io",
    "flags",
    "forward_compatibility",
    "gfile",
    "libraries",
    "logging",
    "resource_loader",
    "versions",
]
