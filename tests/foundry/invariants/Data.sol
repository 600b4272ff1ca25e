// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IDataAnchor} from "../../../contracts/interfaces/IDataAnchor.sol";
import {IDeviceRegistry} from "../../../contracts/interfaces/IDeviceRegistry.sol";
import {ITwinToken} from "../../../contracts/interfaces/ITwinToken.sol";
import {World} from "./World.sol";

/// @notice Devices that are paired, calibrated, cut off, and say what they measured; with every way of saying it wrong.
abstract contract Data is World {
    struct Speaker {
        uint256 key;
        address at;
        uint256 slot;
        uint256 twinId;
        uint40 until;
        bool paired;
        uint256 nonce;
        uint64 sequence;
        bytes32 last;
    }

    uint256 internal constant SPEAKERS = 3;

    Speaker[SPEAKERS] internal speakers;
    mapping(uint256 twinId => uint64) internal batches;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < SPEAKERS; ++i) {
            speakers[i].key = DEVICE_KEY + 100 + i;
            speakers[i].at = vm.addr(speakers[i].key);
        }
    }

    /// @dev Pairs a device that is free, else calibrates it anew; then the same agreement is tried again.
    function agree() internal returns (bool) {
        Speaker storage speaker = speakers[_draw(SPEAKERS)];
        Twin storage twin = twinsOf[speaker.slot];
        if (!speaker.paired) {
            speaker.slot = _draw(SLOTS);
            twin = twinsOf[speaker.slot];
            if (twin.retired) return unpair();
        } else if (twin.id != speaker.twinId || twin.retired) {
            return unpair();
        }
        uint40 until = uint40(block.timestamp + 1 + _draw(30 days));
        bytes memory call = _agreement(speaker, twin, until);
        vm.prank(_ownerOf(twin));
        (bool done,) = address(devices).call(call);
        require(done, "an agreement was refused");
        (speaker.twinId, speaker.until, speaker.paired) = (twin.id, until, true);
        ++speaker.nonce;
        bytes4 why = bytes4(call) == devices.pair.selector
            ? IDeviceRegistry.DeviceAlreadyPaired.selector
            : IDeviceRegistry.InvalidDeviceSignature.selector;
        if (_oneIn(4)) _refused(_ownerOf(twin), address(devices), call, why);
        return true;
    }

    function unpair() internal returns (bool) {
        Speaker storage speaker = speakers[_draw(SPEAKERS)];
        bytes memory call = abi.encodeCall(devices.unpair, (speaker.at));
        if (!speaker.paired) return _refused(speaker.at, address(devices), call, IDeviceRegistry.DeviceNotPaired.selector);
        if (_oneIn(4)) return _refused(people[0], address(devices), call, IDeviceRegistry.NotPairingParty.selector);
        vm.prank(_oneIn(2) ? speaker.at : twins.ownerOf(speaker.twinId));
        devices.unpair(speaker.at);
        speaker.paired = false;
        return true;
    }

    function sayNext() internal returns (bool) {
        Speaker storage speaker = speakers[_draw(SPEAKERS)];
        for (uint256 i = 0; i < SPEAKERS && (!speaker.paired || _whyNotHeard(speaker) != 0) && _usually(); ++i) {
            speaker = speakers[i];
        }
        if (!speaker.paired) return agree();
        IDataAnchor.Batch memory batch = _nextOf(speaker);
        bytes memory call = _said(speaker, batch);
        if (!_try(stranger, address(anchor), call, _whyNotHeard(speaker))) return false;
        ++batches[speaker.twinId];
        (speaker.sequence, speaker.last) = (batch.sequence, batch.digest);
        if (_oneIn(4)) _refused(stranger, address(anchor), call, IDataAnchor.BrokenSequence.selector);
        return true;
    }

    /// @dev A gap, a false predecessor, the future, nothing, another's twin, a stranger's key.
    function sayWrong() internal returns (bool) {
        Speaker storage speaker = speakers[_draw(SPEAKERS)];
        if (!speaker.paired || _whyNotHeard(speaker) != 0) return sayNext();
        IDataAnchor.Batch memory batch = _nextOf(speaker);
        bytes4 why = IDataAnchor.UnpairedDevice.selector;
        uint256 kind = _draw(6);
        if (kind == 0) (batch.sequence, why) = (batch.sequence + 1, IDataAnchor.BrokenSequence.selector);
        if (kind == 1) (batch.previous, why) = (~batch.previous, IDataAnchor.BrokenChain.selector);
        if (kind == 2) (batch.end, why) = (batch.end + 1, IDataAnchor.InvalidInterval.selector);
        if (kind == 3) (batch.readings, why) = (0, IDataAnchor.EmptyBatch.selector);
        if (kind == 4) (batch.twinId, why) = (uint256(keccak256("nobody's")) << 8 | 1, IERC721Errors.ERC721NonexistentToken.selector);
        bytes memory call = _said(speaker, batch);
        if (kind == 5) call = abi.encodeCall(anchor.anchor, (batch, _sign(STRANGER_KEY, _batchDigest(batch))));
        return _refused(stranger, address(anchor), call, why);
    }

    function passToCalibration() internal returns (bool) {
        return _passTo(speakers[_draw(SPEAKERS)].until);
    }

    function _whyNotHeard(Speaker storage speaker) private view returns (bytes4) {
        if (twins.isRetired(speaker.twinId)) return ITwinToken.TwinIsRetired.selector;
        return block.timestamp >= speaker.until ? IDataAnchor.CalibrationExpired.selector : bytes4(0);
    }

    function _nextOf(Speaker storage speaker) private view returns (IDataAnchor.Batch memory) {
        uint40 end = uint40(block.timestamp);
        bytes32 digest = keccak256(abi.encode(speaker.key, speaker.sequence, end));
        return IDataAnchor.Batch(speaker.twinId, speaker.sequence + 1, speaker.last, digest, ~digest, 60, end - 60, end);
    }

    function _said(Speaker storage speaker, IDataAnchor.Batch memory batch) private view returns (bytes memory) {
        return abi.encodeCall(anchor.anchor, (batch, _sign(speaker.key, _batchDigest(batch))));
    }

    function _agreement(Speaker storage speaker, Twin storage twin, uint40 until) internal view returns (bytes memory) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes32 typehash = keccak256(
            "Pairing(address device,uint256 twinId,address owner,uint40 calibratedUntil,uint256 nonce,uint40 deadline)"
        );
        bytes memory terms = abi.encode(typehash, speaker.at, twin.id, _ownerOf(twin), until, speaker.nonce, deadline);
        bytes memory signature = _sign(speaker.key, _typed(address(devices), terms));
        return speaker.paired
            ? abi.encodeCall(devices.calibrate, (speaker.at, until, deadline, signature))
            : abi.encodeCall(devices.pair, (speaker.at, twin.id, until, deadline, signature));
    }
}
