"""How programs written for TensorFlow find Reflow: the import alias, legacy module paths, old spellings, notebooks."""
