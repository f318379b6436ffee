"""What a program needs around its graph: flags, logging, files, resources, text conversion, versions."""
