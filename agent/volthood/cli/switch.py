"""`volthood stop` and `volthood resume`: the person at home has the last word about trading."""

import json
from pathlib import Path

import click

from volthood.cli.options import as_json_option, plain_errors, which_homes


@click.command()
@which_homes
@as_json_option
def stop(folder: Path, home: str | None, as_json: bool) -> None:
    """Stop trading at once. Contracts already made are honoured up to the meter; it stays off after a restart."""
    _switch(folder, home, as_json, trading=False)


@click.command()
@which_homes
@as_json_option
def resume(folder: Path, home: str | None, as_json: bool) -> None:
    """Trade again, from the next round on."""
    _switch(folder, home, as_json, trading=True)


def _switch(folder: Path, home: str | None, as_json: bool, *, trading: bool) -> None:
    from volthood.adapters.store_sql import SqlTradeStore
    from volthood.cli.household import TRADES_FILE, agent_files, existing
    from volthood.config.agent import load_agent_config
    from volthood.engine.desk import OFF, ON, TRADING

    rows = []
    with plain_errors():
        for path in agent_files(folder, home):
            config = load_agent_config(path)
            with SqlTradeStore.open(existing(config, TRADES_FILE)) as trades:
                trades.set_setting(TRADING, ON if trading else OFF)
                trades.commit()
            rows.append({"home": config.agent.house, "trading": trading})
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        how = "on from the next round on" if trading else "off; contracts already made are honoured up to the meter"
        print(f"{row['home']}: trading is {how}")
