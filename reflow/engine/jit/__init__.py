"""The JIT: parts of a plan that run as functions compiled by `torch.compile`; docs/jit.md tells when and how."""
