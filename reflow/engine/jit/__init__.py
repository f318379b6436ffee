"""The JIT: parts of a plan that run as functions compiled by PyTorch's Inductor; docs/jit.md tells when and how."""
