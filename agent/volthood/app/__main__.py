"""`python -m volthood.app AGENT_TOML`."""

from volthood.app.main import main

main()
