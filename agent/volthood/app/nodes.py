"""Lines to the household's own nodes, put together from the agent's configuration."""

from pathlib import Path

from volthood.adapters.crypto import LinkKey
from volthood.adapters.node_line import NodeLine
from volthood.app.compose import load_neighbourhood, tls_files
from volthood.config.agent import load_agent_config
from volthood.core.membership import member_of
from volthood.errors import LocalError


def node_line(agent_file: Path, name: str | None = None) -> NodeLine:
    """A line to the household's node called `name`, or to its only one.

    Raises:
        LocalError: a file is missing or broken, the roster has no such node, or the broker cannot be reached.
    """
    config = load_agent_config(agent_file)
    _, roster = load_neighbourhood(config)
    nodes = {kid.hex(): kid for kid in member_of(roster, config.agent.house).nodes}
    if name is None and len(nodes) != 1:
        raise LocalError(f"{config.agent.house} has {len(nodes)} nodes in the roster ({', '.join(nodes)}): name one")
    found = next(iter(nodes)) if name is None else name
    if found not in nodes:
        raise LocalError(
            f"the roster has no node {found} for {config.agent.house}; it has {', '.join(nodes) or 'none'}"
        )
    tls = tls_files(config.broker)
    return NodeLine(
        config.broker.host,
        config.broker.port,
        None if tls is None else tls.client_context(),
        config.agent.house,
        nodes[found],
        LinkKey.load(config.node.link_key_file).secret,
    )
