// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ITwinToken} from "../interfaces/ITwinToken.sol";
import {KeyRequest} from "../types/KeyRequest.sol";
import {Signed} from "./Signed.sol";
import {Wiring} from "./Wiring.sol";

/// @notice A grantee that is a rule: patients consent to the contract, and it vouches (ERC-1271) for single requests
/// of people who may ask just now. Custodians decide as always; they know nothing of emergencies or cases.
/// @dev The signature is abi.encode(KeyRequest request, address signer, bytes signature), so that what is asked for
/// can be read here; the digest proves that it is what was signed.
abstract contract RequestVoucher is AccessControl, IERC1271, Signed {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant REQUEST_TYPEHASH = keccak256(
        "KeyRequest(uint256 twinId,address grantee,bytes32 recipient,bytes32[] batches,uint32 category,uint32 purpose,uint256 nonce,uint40 deadline)"
    );

    ITwinToken public immutable TWINS;
    /// @notice Whose typed-data domain requests are signed under.
    address public immutable CONSENTS;
    uint32 private immutable PURPOSE;

    /// @param administrator Gives and takes the roles. @param purpose The only one of a request it vouches for.
    constructor(ITwinToken twins, address consents, address administrator, uint32 purpose) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        CONSENTS = Wiring.checked(consents);
        PURPOSE = purpose;
        _grantRole(DEFAULT_ADMIN_ROLE, administrator);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (KeyRequest memory request, address signer, bytes memory own) = abi.decode(signature, (KeyRequest, address, bytes));
        bool valid = request.grantee == address(this) && request.purpose == PURPOSE && requestDigest(request) == digest
            && isOpen(request.twinId, signer, request.category) && SignatureChecker.isValidSignatureNow(signer, digest, own);
        return valid ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @notice The EIP-712 digest a grantee signs.
    function requestDigest(KeyRequest memory request) public view returns (bytes32) {
        bytes32 separator = keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("Medtwin"), keccak256("1"), block.chainid, CONSENTS));
        bytes32 structHash = keccak256(
            abi.encode(
                REQUEST_TYPEHASH,
                request.twinId,
                request.grantee,
                request.recipient,
                keccak256(abi.encodePacked(request.batches)),
                request.category,
                request.purpose,
                request.nonce,
                request.deadline
            )
        );
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    /// @notice Whether `account` may ask for a twin's categories now.
    function isOpen(uint256 twinId, address account, uint32 categories) public view virtual returns (bool);
}
