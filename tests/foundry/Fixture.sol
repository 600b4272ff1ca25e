// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {IAuditTrail} from "../../contracts/interfaces/IAuditTrail.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IDataAnchor} from "../../contracts/interfaces/IDataAnchor.sol";
import {IDeviceRegistry} from "../../contracts/interfaces/IDeviceRegistry.sol";
import {IGuardianRegistry} from "../../contracts/interfaces/IGuardianRegistry.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Scope} from "../../contracts/types/Consent.sol";

/// @notice What the tests use of Foundry's machine.
interface Vm {
    struct Log { bytes32[] topics; bytes data; address emitter; }

    function addr(uint256 key) external pure returns (address);
    function assertEq(uint256 got, uint256 expected) external pure;
    function assertEq(int256 got, int256 expected) external pure;
    function assertEq(address got, address expected) external pure;
    function assertEq(bytes32 got, bytes32 expected) external pure;
    function assertEq(string calldata got, string calldata expected) external pure;
    function assertFalse(bool got) external pure;
    function assertTrue(bool got) external pure;
    function assume(bool wanted) external pure;
    function deployCode(string calldata artifact) external returns (address);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function expectEmit(address emitter) external;
    function expectRevert(bytes calldata reason) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    function getRecordedLogs() external returns (Log[] memory);
    function prank(address sender) external;
    function recordLogs() external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 time) external;
}

/// @notice People with keys, twins, and the contracts all others stand on. Contracts are deployed by name and known
/// by their interfaces, so that changing one compiles no test again: that is what makes mutation affordable.
abstract contract Fixture {
    struct FuzzSelector { address addr; bytes4[] selectors; }

    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    bytes32 internal constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    uint256 internal constant OWNER_KEY = 0xA11CE;
    uint256 internal constant GRANTEE_KEY = 0xB0B;
    uint256 internal constant DEVICE_KEY = 0xDE71CE;
    uint256 internal constant STRANGER_KEY = 0xE7E;
    uint256 internal constant PATIENT = uint256(keccak256("patient")) << 8 | 1;
    uint256 internal constant WARD = uint256(keccak256("ward")) << 8 | 3;
    uint40 internal constant NOW = 1_800_000_000;

    address internal immutable owner = vm.addr(OWNER_KEY);
    address internal immutable grantee = vm.addr(GRANTEE_KEY);
    address internal immutable device = vm.addr(DEVICE_KEY);
    address internal immutable stranger = vm.addr(STRANGER_KEY);
    address internal immutable administrator = address(0xAD);
    ITwinToken internal twins;
    IConsentRegistry internal consents;
    IGuardianRegistry internal guardians;
    IDeviceRegistry internal devices;
    IDataAnchor internal anchor;

    function setUp() public virtual {
        vm.warp(NOW);
        twins = ITwinToken(vm.deployCode("TwinToken.sol:TwinToken"));
        guardians = IGuardianRegistry(vm.deployCode("GuardianRegistry.sol:GuardianRegistry", abi.encode(twins)));
        consents = IConsentRegistry(vm.deployCode("ConsentRegistry.sol:ConsentRegistry", abi.encode(twins, guardians)));
        devices = IDeviceRegistry(vm.deployCode("DeviceRegistry.sol:DeviceRegistry", abi.encode(twins)));
        anchor = IDataAnchor(vm.deployCode("DataAnchor.sol:DataAnchor", abi.encode(twins, devices)));
        vm.prank(owner);
        twins.mint(PATIENT);
        vm.prank(owner);
        twins.mint(WARD);
    }

    function _scope(uint40 notBefore, uint40 expiry) internal pure returns (Scope memory) {
        return Scope({categories: 6, purposes: 5, notBefore: notBefore, expiry: expiry});
    }

    function _grant(uint256 twinId, address to, Scope memory scope) internal {
        vm.prank(owner);
        consents.grant(twinId, to, scope);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev EIP-712 by the book, so that the contracts' own reading of it is checked against another.
    function _typed(address verifying, bytes memory encoded) internal view returns (bytes32) {
        bytes32 separator =
            keccak256(abi.encode(DOMAIN, keccak256("Medtwin"), keccak256("1"), block.chainid, verifying));
        return keccak256(abi.encodePacked(hex"1901", separator, keccak256(encoded)));
    }

    function _pairingDigest(address speaker, uint256 twinId, uint40 calibrated, uint256 nonce, uint40 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Pairing(address device,uint256 twinId,address owner,uint40 calibratedUntil,uint256 nonce,uint40 deadline)"
        );
        return _typed(address(devices), abi.encode(typehash, speaker, twinId, owner, calibrated, nonce, deadline));
    }

    function _pair(uint256 key, uint256 twinId, uint40 calibrated, uint256 nonce) internal {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes memory signature = _sign(key, _pairingDigest(vm.addr(key), twinId, calibrated, nonce, deadline));
        vm.prank(owner);
        devices.pair(vm.addr(key), twinId, calibrated, deadline, signature);
    }

    /// @dev The device's next batch in order, ending now.
    function _next(uint256 key, uint256 twinId) internal view returns (IDataAnchor.Batch memory) {
        (uint64 sequence, bytes24 last) = anchor.headOf(vm.addr(key));
        bytes32 digest = keccak256(abi.encode(key, twinId, sequence));
        uint40 end = uint40(block.timestamp);
        return IDataAnchor.Batch(twinId, sequence + 1, bytes32(last), digest, keccak256(abi.encode(digest)), 60, end - 60, end);
    }

    function _batchDigest(IDataAnchor.Batch memory batch) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Batch(uint256 twinId,uint64 sequence,bytes32 previous,bytes32 digest,bytes32 root,uint32 readings,uint40 start,uint40 end)"
        );
        return _typed(address(anchor), abi.encode(typehash, batch));
    }

    function _anchor(uint256 key, uint256 twinId) internal returns (uint64) {
        IDataAnchor.Batch memory batch = _next(key, twinId);
        return anchor.anchor(batch, _sign(key, _batchDigest(batch)));
    }

    function _bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + value % (most - least + 1);
    }

    /// @dev How many events of a kind were recorded.
    function _count(bytes32 topic) internal returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == topic) ++count;
        }
    }

    /// @notice Deploy and pass on the constructor's reason, which deployCode keeps to itself.
    function create(string calldata artifact, bytes calldata arguments) external {
        bytes memory code = bytes.concat(vm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 32), mload(code))) {
                let reason := mload(64)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
    }

    function _ids(bytes4 a, bytes4 b, bytes4 c) internal pure returns (bytes4[] memory ids) {
        ids = new bytes4[](3);
        (ids[0], ids[1], ids[2]) = (a, b, c);
    }
}
