// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDataAnchor} from "../../../contracts/interfaces/IDataAnchor.sol";
import {IEpochAnchor} from "../../../contracts/interfaces/IEpochAnchor.sol";
import {Data} from "./Data.sol";

/// @notice Gateways post epochs while they are admitted, some of them false; whoever finds a fault shows it.
abstract contract Epochs is Data {
    enum Kind { Honest, UnknownDevice, Duplicate, BrokenChain }

    struct Gateway {
        Speaker device;
        uint40 admitted;
        uint40 number;
        bytes21 head;
        bool suspended;
    }

    /// @dev An epoch that can be made again, and the hash before it.
    struct Noted {
        Kind kind;
        uint256 salt;
        bytes21 before;
    }

    uint256 internal constant GATEWAYS = 2;

    IEpochAnchor internal epochs;
    Gateway[GATEWAYS] internal gateways;
    address[] internal barred;
    mapping(address gateway => Noted) private _noted;
    mapping(address gateway => IEpochAnchor.Epoch[]) private _later;
    uint256 private _made;
    uint256 private _salt;

    function setUp() public virtual override {
        super.setUp();
        epochs = IEpochAnchor(vm.deployCode("EpochAnchor.sol:EpochAnchor", abi.encode(anchor, devices)));
        _pair(DEVICE_KEY + 99, PATIENT, NOW + 90 days, 0); // signs what is in epochs; a pairing stays on record
        for (uint256 i = 0; i < GATEWAYS; ++i) {
            _replace(gateways[i]);
        }
    }

    /// @dev Pairs it, cuts it off, or puts another in the place of one that was found false.
    function changeGateway() internal returns (bool) {
        Gateway storage gateway = gateways[_draw(GATEWAYS)];
        if (gateway.suspended) _replace(gateway);
        Speaker storage device = gateway.device;
        if (device.paired) {
            if (block.timestamp < device.until && _usually()) return admitGateway();
            vm.prank(device.at);
            devices.unpair(device.at);
            device.paired = false;
            return true;
        }
        device.slot = _draw(SLOTS);
        Twin storage twin = twinsOf[device.slot];
        if (twin.retired) return postEpoch();
        uint40 until = uint40(block.timestamp + 1 + _draw(20 days));
        bytes memory call = _agreement(device, twin, until);
        _try(_ownerOf(twin), address(devices), call, 0);
        (device.twinId, device.until, device.paired) = (twin.id, until, true);
        ++device.nonce;
        return true;
    }

    /// @dev Copies the pairing for a day at most, whoever asks.
    function admitGateway() internal returns (bool) {
        return _admit(gateways[_draw(GATEWAYS)]);
    }

    function _admit(Gateway storage gateway) private returns (bool) {
        uint256 until = block.timestamp + 1 days;
        if (gateway.device.until < until) until = gateway.device.until;
        gateway.admitted = gateway.device.paired ? uint40(until) : 0;
        vm.prank(stranger);
        epochs.admit(gateway.device.at);
        return true;
    }

    function postEpoch() internal returns (bool) {
        Gateway storage gateway = gateways[_draw(GATEWAYS)];
        for (uint256 i = 0; i < GATEWAYS && _whyNotPosted(gateway) != 0 && _usually(); ++i) gateway = gateways[i];
        bool speaks = gateway.device.paired && block.timestamp < gateway.device.until;
        if (speaks && _usually()) _admit(gateway); // a day is soon over
        bytes4 why = _whyNotPosted(gateway);
        if (why != 0 && _usually()) return changeGateway();
        Kind kind = _oneIn(8) ? Kind(1 + _draw(3)) : Kind.Honest;
        (IEpochAnchor.Epoch memory epoch,,) = _book(kind, ++_salt);
        if (_oneIn(16)) (epoch.batches, why) = (0, IEpochAnchor.EmptyEpoch.selector);
        address at = gateway.device.at;
        if (!_try(at, address(epochs), abi.encodeCall(epochs.anchorEpoch, (epoch)), why)) return false;
        if (_noted[at].kind == Kind.Honest && (kind != Kind.Honest || _later[at].length == 4 || _noted[at].salt == 0)) {
            _noted[at] = Noted(kind, _salt, gateway.head);
            delete _later[at];
        } else {
            _later[at].push(epoch);
        }
        (gateway.head, gateway.number) = (bytes21(keccak256(abi.encode(gateway.head, epoch))), gateway.number + 1);
        return true;
    }

    /// @dev What is honest, elsewhere or not in the epoch proves nothing.
    function proveFault() internal returns (bool) {
        Gateway storage gateway = gateways[_draw(GATEWAYS)];
        for (uint256 i = 0; i < GATEWAYS && _whyNotProven(gateway) != 0 && _usually(); ++i) gateway = gateways[i];
        bytes4 why = _whyNotProven(gateway);
        address at = gateway.device.at;
        Noted storage noted = _noted[at];
        if (noted.salt == 0 || why != 0 && _usually()) return postEpoch();
        (IEpochAnchor.Epoch memory epoch, IEpochAnchor.Included memory a, IEpochAnchor.Included memory b) =
            _book(noted.kind, noted.salt);
        IEpochAnchor.Place memory place = IEpochAnchor.Place(noted.before, epoch, _later[at]);
        uint256 wrong = _draw(12);
        if (wrong == 0) (place.before, why) = (~place.before, IEpochAnchor.PlaceNotFound.selector);
        if (wrong == 1) (a.proof[0], why) = (~a.proof[0], IEpochAnchor.BatchNotIncluded.selector);
        bool alone = noted.kind == Kind.UnknownDevice || noted.kind == Kind.Honest && _oneIn(2);
        bytes memory call = alone
            ? abi.encodeWithSelector(epochs.proveUnknownDevice.selector, at, place, a)
            : abi.encodeWithSelector(epochs.proveBrokenSequence.selector, at, place, a, place, b);
        if (!_try(stranger, address(epochs), call, why)) return false;
        gateway.suspended = true;
        barred.push(at);
        return _admit(gateway); // which gives nothing back
    }

    function passToAdmission() internal returns (bool) {
        return _passTo(gateways[_draw(GATEWAYS)].admitted);
    }

    function _replace(Gateway storage gateway) private {
        uint256 key = 0x6A7E00 + ++_made;
        delete gateway.device;
        (gateway.device.key, gateway.device.at) = (key, vm.addr(key));
        (gateway.admitted, gateway.number, gateway.head, gateway.suspended) = (0, 0, 0, false);
    }

    function _whyNotPosted(Gateway storage gateway) private view returns (bytes4) {
        if (gateway.suspended) return IEpochAnchor.GatewayIsSuspended.selector;
        return block.timestamp >= gateway.admitted ? IEpochAnchor.NotGateway.selector : bytes4(0);
    }

    function _whyNotProven(Gateway storage gateway) private view returns (bytes4) {
        if (_noted[gateway.device.at].kind == Kind.Honest) return IEpochAnchor.NoFault.selector;
        return gateway.suspended ? IEpochAnchor.GatewayIsSuspended.selector : bytes4(0);
    }

    /// @dev Two batches in a row, with the fault of its kind, and both with their proofs.
    function _book(Kind kind, uint256 salt)
        private
        view
        returns (IEpochAnchor.Epoch memory epoch, IEpochAnchor.Included memory a, IEpochAnchor.Included memory b)
    {
        bytes32 first = keccak256(abi.encode(salt));
        uint256 key = kind == Kind.UnknownDevice ? uint256(first) >> 1 : DEVICE_KEY + 99;
        a = _signed(key, salt, bytes32(salt), first);
        b = _signed(
            key,
            kind == Kind.Duplicate ? salt : salt + 1,
            kind == Kind.BrokenChain ? ~first : first,
            keccak256(abi.encode(first))
        );
        (bytes32 x, bytes32 y) = (_leaf(a), _leaf(b));
        (a.proof[0], b.proof[0]) = (y, x);
        epoch = IEpochAnchor.Epoch(keccak256(x < y ? abi.encode(x, y) : abi.encode(y, x)), 2, bytes32(salt));
    }

    function _signed(uint256 key, uint256 sequence, bytes32 previous, bytes32 digest)
        private
        view
        returns (IEpochAnchor.Included memory found)
    {
        found.batch = IDataAnchor.Batch(PATIENT, uint64(sequence), previous, digest, "root", 5, NOW - 60, NOW);
        (found.signature, found.proof) = (_sign(key, _batchDigest(found.batch)), new bytes32[](1));
    }

    function _leaf(IEpochAnchor.Included memory found) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(_batchDigest(found.batch), keccak256(found.signature)))));
    }
}
