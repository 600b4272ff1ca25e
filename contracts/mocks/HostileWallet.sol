// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @notice An account that answers ERC-1271 as no account should; the tests say which way.
contract HostileWallet is ERC721Holder {
    enum Way {
        SaysNo,
        SaysNothing,
        SaysTooLittle,
        SaysItElsewhere,
        SaysOne,
        Reverts,
        BurnsGas,
        FloodsMemory,
        Writes
    }

    Way public way;
    uint256 private _written;

    function setWay(Way way_) external {
        way = way_;
    }

    function execute(address to, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(to, data);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        if (way == Way.SaysNo) return 0xffffffff;
        if (way == Way.Reverts) revert();
        if (way == Way.Writes) ++_written;
        while (way == Way.BurnsGas) {}
        if (way == Way.SaysNothing) _answer(0, 0);
        if (way == Way.SaysTooLittle) _answer(0x1626ba7f << 224, 4);
        if (way == Way.SaysItElsewhere) _answer(0x1626ba7f, 32);
        if (way == Way.SaysOne) _answer(1, 32);
        if (way == Way.FloodsMemory) _answer(0, 1 << 21);
        return 0x1626ba7f;
    }

    function _answer(uint256 word, uint256 size) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, size)
        }
    }
}
