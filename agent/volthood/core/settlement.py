"""Allocation: which of its metered energy a household gives to which contract. Integers, no discretion.

Within a round the uniform rule over the contracted amounts: everyone the same, up to what it contracted; Wh that cannot be
divided go one each by hash(round, contract). Rounds come in order, so what an earlier round took is already gone.
"""

from volthood.core.market.uniform import share
from volthood.wire.keys import hash_of


def allocate(available_wh: int, contracted_wh: dict[bytes, int], round_id: tuple[bytes, int, int]) -> dict[bytes, int]:
    """What each contract of one round gets, in Wh.

    Args:
        available_wh: metered energy that earlier rounds left; below zero counts as none.
        contracted_wh: energy by contract id.
        round_id: (hood, slot, gate).
    """
    order = sorted(contracted_wh, key=lambda contract: hash_of(list(round_id), contract))
    return share(max(0, available_wh), {contract: contracted_wh[contract] for contract in order})
