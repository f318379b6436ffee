"""`tf.VERSION` and its kin: the TensorFlow release whose behaviour Reflow has, and where Reflow lies on disk."""

import pathlib

from reflow.graph.export import export, export_values

VERSION = "1.15.5"
# Versions of the GraphDef format; a graph says which producer wrote it.
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
CXX11_ABI_FLAG = 0
MONOLITHIC_BUILD = 0
# Reflow's own version; pyproject.toml reads it from here.
REFLOW_VERSION = "0.1.0"
GIT_VERSION = f"v{VERSION}-reflow-{REFLOW_VERSION}"
# TensorFlow names the C++ compiler it was built with; here the kernels are PyTorch's.
COMPILER_VERSION = "none (Reflow)"

_VERSION_VALUES = {
    "VERSION": VERSION,
    "GIT_VERSION": GIT_VERSION,
    "COMPILER_VERSION": COMPILER_VERSION,
    "GRAPH_DEF_VERSION": GRAPH_DEF_VERSION,
    "GRAPH_DEF_VERSION_MIN_CONSUMER": GRAPH_DEF_VERSION_MIN_CONSUMER,
    "GRAPH_DEF_VERSION_MIN_PRODUCER": GRAPH_DEF_VERSION_MIN_PRODUCER,
}
_BUILD_VALUES = {"CXX11_ABI_FLAG": CXX11_ABI_FLAG, "MONOLITHIC_BUILD": MONOLITHIC_BUILD}

export_values({**_VERSION_VALUES, **_BUILD_VALUES})
export_values({f"version.{name}": value for name, value in _VERSION_VALUES.items()})
export_values({f"sysconfig.{name}": value for name, value in _BUILD_VALUES.items()})
export_values(
    {
        "__version__": VERSION,
        "__git_version__": GIT_VERSION,
        "__compiler_version__": COMPILER_VERSION,
        "__cxx11_abi_flag__": CXX11_ABI_FLAG,
        "__monolithic_build__": MONOLITHIC_BUILD,
    }
)

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]


@export("sysconfig.get_include")
def get_include() -> str:
    """The folder where TensorFlow keeps its C++ headers, below Reflow's package; Reflow ships none."""
    return str(_PACKAGE / "include")


@export("sysconfig.get_lib")
def get_lib() -> str:
    """The folder of the package; TensorFlow keeps its shared library there, Reflow has none."""
    return str(_PACKAGE)


@export("sysconfig.get_compile_flags")
def get_compile_flags() -> list[str]:
    """The compiler flags with which TensorFlow's custom operations are built, a list of strings."""
    return [f"-I{get_include()}", f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}"]


@export("sysconfig.get_link_flags")
def get_link_flags() -> list[str]:
    """The linker flags for custom operations, a list of strings; Reflow has no library to link against."""
    return [f"-L{get_lib()}"]
