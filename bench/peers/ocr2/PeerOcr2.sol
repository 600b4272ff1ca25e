// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {OCR2Base} from "@chainlink/shared/ocr2/OCR2Base.sol";

/// @notice Chainlink's OCR2Base with the least that keeps a report: one word by its key, a round that goes forward, one event.
contract PeerOcr2 is OCR2Base {
    event Kept(bytes32 indexed key, bytes report);

    mapping(bytes32 key => uint256 word) private _latest;

    constructor() OCR2Base(false) {}

    function typeAndVersion() external pure override returns (string memory) {
        return "PeerOcr2 1";
    }

    function _report(uint256, address, uint8, address[MAX_NUM_ORACLES] memory, bytes calldata report) internal override {
        (bytes32 key, uint256 word) = abi.decode(report[:64], (bytes32, uint256));
        require(uint48(word) > uint48(_latest[key]), "stale");
        _latest[key] = word;
        emit Kept(key, report);
    }

    function _beforeSetConfig(uint8, bytes memory) internal override {}

    function _afterSetConfig(uint8, bytes memory) internal override {}

    function _validateReport(bytes32, uint40, bytes memory) internal pure override returns (bool) {
        return true;
    }
}
