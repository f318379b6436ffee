"""Functions of tensors through PyTorch's compiler, Inductor.

`torch.compile` would wrap what it compiles into checks of everything that Python can change between two calls, some 35
us a call, as long as a dozen small kernels take. What a plan calls is straight-line code of static shapes: only the
layouts of its inputs can change, which the caller looks after. So such a function is traced here and handed to Inductor
itself.
"""

import shutil
from collections.abc import Callable

import torch


def has_compiler() -> bool:
    """True if there is a C++ compiler where Inductor looks for one."""
    from torch._inductor import config

    names = config.cpp.cxx if isinstance(config.cpp.cxx, (tuple, list)) else (config.cpp.cxx,)
    return any(name and shutil.which(name) for name in names)


def compile_function(function: Callable, inputs: list[torch.Tensor]) -> Callable:
    """Compile a function for inputs like the given ones.

    Args:
      function: takes tensors, returns a list of tensors, and looks at no values.
      inputs: tensors of the types, shapes and strides to come.

    Returns:
      A function like the given one, for inputs of the same types, shapes and strides alone.
    """
    from torch._inductor import config
    from torch._inductor.compile_fx import compile_fx_inner

    with torch.inference_mode(False), torch.no_grad(), config.patch(_options()):
        graph, examples, mode = _traced(function, inputs)
        with mode:
            compiled = compile_fx_inner(graph, examples, is_inference=True)

    def call(*tensors):
        return compiled(list(tensors))  # It empties the list that it is given.

    return call


def _traced(function: Callable, inputs: list[torch.Tensor]):
    """(graph of ATen operations that changes nothing in place, inputs without data, the mode that they live in)."""
    from torch._inductor.decomposition import select_decomp_table
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with mode:
        examples = [torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=t.device) for t in inputs]
        trace = make_fx(torch.func.functionalize(function), decomposition_table=select_decomp_table(),
                        _allow_non_fake_inputs=True)  # fmt: skip
        graph = trace(*examples)
    (last,) = (node for node in graph.graph.nodes if node.op == "output")
    # What the caller gets keeps the strides that it has without compiling.
    last.meta["user_visible_output_idxs"] = list(range(len(last.args[0])))
    return graph, examples, mode


def _options() -> dict:
    """Options of the compiler: the length of vectors, said outright.

    torch keeps generated code on disk under a key that has its options, but not the instructions that it found the
    processor to have. Should it ever find others, code for shorter vectors would be compiled for longer ones, and
    write beyond its arrays.
    """
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    return {"cpp.simdlen": pick_vec_isa().bit_width()}
