"""YAML within bounds: aliases count as often as they are used, and depth is limited."""

from __future__ import annotations

import yaml

NODES = 200_000  # of a document, aliases expanded
DEPTH = 100
LONGEST = 8_000_000  # characters of a document


class _Bounded(yaml.SafeLoader):
    """The safe loader, with nodes counted while they are parsed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.total, self.depth = 0, 0
        self.sizes: dict[int, tuple[yaml.Node, int]] = {}  # with the nodes, so that no other gets their numbers

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node, counted with everything in it."""
        before, alias = self.total, self.check_event(yaml.AliasEvent)
        self.total += not alias
        self.depth += 1
        if self.depth > DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"more than {DEPTH} levels", problem_mark=None if parent is None else parent.start_mark
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        if node is None:
            return None
        if not alias:
            self.sizes[id(node)] = node, self.total - before
        elif id(node) not in self.sizes:
            raise yaml.MarkedYAMLError(problem="an alias within what it names", problem_mark=node.start_mark)
        else:
            self.total += self.sizes[id(node)][1]
        if self.total > NODES:
            raise yaml.MarkedYAMLError(
                problem=f"more than {NODES:,} nodes, aliases expanded", problem_mark=node.start_mark
            )
        return node


def yaml_content(text: str) -> tuple[object, list[str]]:
    """The content of a document, and the keys of its mapping as written, repeated ones too.

    Raises:
        yaml.YAMLError: it is no YAML, or beyond a limit; the message names it.
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"more than {LONGEST:,} characters")
    try:
        loader = _Bounded(text)
        root = loader.get_single_node()
        keys = [str(key.value) for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
        return (None if root is None else loader.construct_document(root)), keys
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    except (ValueError, TypeError, OverflowError, AttributeError) as error:  # a date or number that is none
        raise yaml.YAMLError(str(error)) from error


def yaml_value(text: str) -> object:
    """The content of a document; see :func:`yaml_content`."""
    return yaml_content(text)[0]
