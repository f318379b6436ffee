"""What a program asks to be compiled: its session's config, its jit scopes, and REFLOW_JIT in the environment."""

import os
from dataclasses import dataclass

from reflow.engine.plan import Node


@dataclass(frozen=True)
class Request:
    """Which nodes of a session's plans are to be compiled.

    Attributes:
      everything: all that can be compiled, as `global_jit_level` asks for; jit scopes may still leave nodes out.
      forbidden: nothing at all, whatever scopes say (REFLOW_JIT=0).
    """

    everything: bool = False
    forbidden: bool = False

    @staticmethod
    def of(config) -> "Request":
        """The request of a session.

        Args:
          config: a ConfigProto or None. `graph_options.optimizer_options.global_jit_level` ON_1 and ON_2 ask for
            everything; REFLOW_JIT, where it is set, is stronger than that.
        """
        setting = os.environ.get("REFLOW_JIT", "")
        if setting:
            return Request(everything=setting != "0", forbidden=setting == "0")
        level = config.graph_options.optimizer_options.global_jit_level if config is not None else 0
        return Request(everything=level > 0)

    def concerns(self, nodes: list[Node]) -> bool:
        """True if any of the nodes is to be compiled."""
        if self.forbidden:
            return False
        return self.everything or any(_says(node) for node in nodes)

    def scope(self, node: Node) -> str | None:
        """Nodes of equal scopes may be compiled together; None for a node that is to run by itself.

        That is the `_XlaScope` that `experimental_jit_scope` gave the operation; all others share the scope "".
        """
        asked = _says(node)
        if self.forbidden or asked is False or asked is None and not self.everything:
            return None
        return node.operation.attrs.get("_XlaScope", b"").decode() if asked else ""


def _says(node: Node) -> bool | None:
    """What a jit scope says of a node; None if it stands in none. A node that a pass made has its last operation's."""
    return None if node.operation is None else node.operation.attrs.get("_XlaCompile")
