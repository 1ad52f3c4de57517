"""Whom the household trades with: neighbours whose standing it has asked for, and nobody else.

What a neighbour has kept is read from the store each time it matters, so that a conviction counts from the moment it is
known. A household that asks for nothing reads nothing.
"""

from volthood.core.standing import FULL_PERMILLE, MEMORY_S, standings_permille
from volthood.engine.desk import Desk
from volthood.wire.keys import sha256
from volthood.wire.market import Contract

TRADE_REFUSED = "TradeRefusedByStanding"
"""The event that tells of a cleared trade which is not signed. The neighbour is told nothing."""


class Standings:
    """Says which contracts are not wanted because of the neighbour they are with."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def unwanted(self, contracts: list[Contract]) -> frozenset[bytes]:
        """Ids of the contracts with neighbours of too low a standing; each refusal is told."""
        if not self._desk.min_standing_permille or not contracts:
            return frozenset()
        standings = self._standings()
        found = set()
        for contract in contracts:
            peer = contract.seller if contract.buyer == self._desk.me.agent else contract.buyer
            standing = standings.get(peer, FULL_PERMILLE)
            if standing < self._desk.min_standing_permille:
                found.add(sha256(contract.to_cbor()))
                self._tell(contract, peer, standing)
        return frozenset(found)

    def _standings(self) -> dict[bytes, int]:
        trades, now_s = self._desk.trades, self._desk.now_s
        convicted = [row.agent for row in trades.convicted()]
        return standings_permille(trades.deals(now_s - MEMORY_S), now_s, convicted)

    def _tell(self, contract: Contract, peer: bytes, standing: int) -> None:
        self._desk.note(
            TRADE_REFUSED,
            slot=contract.slot,
            gate=contract.gate,
            peer=self._desk.members.house(peer),
            energy_wh=contract.energy_wh,
            standing_permille=standing,
        )
