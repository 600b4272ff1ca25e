"""Ocean's data market beside ours: a dataset is put up for sale, and bought for use."""

from __future__ import annotations

from typing import Any

from .peer_contracts import Bare, ocean

ZERO = "0x" + "0" * 40
PRICE = 5 * 10**18
WITHOUT_FEES = ((ZERO, ZERO, 0, 27, bytes(32), bytes(32), 0, b""), (ZERO, ZERO, 0))  # as cheap as Ocean can be


class Ocean:
    """Its factory, router, exchange and a token to pay in; one publisher, who has one data NFT."""

    def __init__(self, bare: Bare) -> None:
        published = ocean()
        self.found = published is not None
        if published is None:
            return
        self._bare, self._published = bare, published
        me = bare.account
        self._coin = bare.deploy(published["MockERC20"], me, "Coin", "COIN")
        router = bare.deploy(published["FactoryRouter"], me, self._coin.address, me, me, [])
        self._exchange = bare.deploy(published["FixedRateExchange"], router.address)
        templates = [bare.deploy(published[name]).address for name in ("ERC721Template", "Datatoken")]
        self._factory = factory = bare.deploy(published["ERC721Factory"], *templates, router.address)
        bare.gas(router.functions.addFactory(factory.address))
        bare.gas(router.functions.addFixedRateContract(self._exchange.address))
        bare.gas(factory.functions.deployERC721Contract("Data", "D", 1, ZERO, ZERO, "ipfs://", True, me))
        made = factory.events.NFTCreated().get_logs(from_block=0)[-1]["args"]["newTokenAddress"]
        self._nft = bare.web3.eth.contract(address=made, abi=published["ERC721Template"]["abi"])

    def list(self) -> int:
        """A dataset of an NFT that is there: its own ERC-20, and a fixed rate at which it is sold."""
        me, bare = self._bare.account, self._bare
        token = self._nft.functions.createERC20(1, ["Data", "D"], [me, me, me, ZERO], [10**24, 0], [])
        cost = bare.gas(token)
        made = self._factory.events.TokenCreated().get_logs(from_block=0)[-1]["args"]["newTokenAddress"]
        self._token: Any = bare.web3.eth.contract(address=made, abi=self._published["Datatoken"]["abi"])
        addresses = [self._coin.address, me, me, ZERO]
        rate = self._token.functions.createFixedRate(self._exchange.address, addresses, [18, 18, PRICE, 0, 1])
        return cost + bare.gas(rate)

    def purchase(self) -> int:
        """Pay and order in one transaction; not the first of this dataset."""
        self._bare.gas(self._coin.functions.approve(self._token.address, 2**256 - 1))
        which = self._exchange.functions.generateExchangeId(self._coin.address, self._token.address).call()
        order = (self._bare.account, 1, *WITHOUT_FEES)
        paid = (self._exchange.address, which, 2 * PRICE, 0, ZERO)
        return [self._bare.gas(self._token.functions.buyFromFreAndOrder(order, paid)) for _ in range(3)][-1]
