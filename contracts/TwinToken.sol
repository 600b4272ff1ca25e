// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";

/// @notice See ITwinToken.
contract TwinToken is ERC721, ITwinToken {
    /// @dev One slot, zero at first: minting writes nothing but the owner and its balance.
    struct Life {
        uint32 epoch;
        bool retired;
    }

    /// @dev One slot, written when the epoch ends. Within an epoch the owner does not change.
    struct Ended {
        uint40 at;
        address owner;
    }

    uint8 private constant PATIENT = 1;
    uint8 private constant WARD = 3;

    mapping(uint256 twinId => Life) private _lives;
    mapping(uint256 twinId => mapping(uint32 epoch => Ended)) private _ended;

    constructor() ERC721("Medtwin", "TWIN") {}

    modifier onlyTwinOwner(uint256 twinId) {
        if (ownerOf(twinId) != msg.sender) revert NotTwinOwner(twinId, msg.sender);
        _;
    }

    /// @inheritdoc ITwinToken
    function mint(uint256 twinId) external {
        uint8 kind = uint8(twinId);
        if (kind < PATIENT || kind > WARD) revert UnknownTwinKind(twinId, kind);
        _safeMint(msg.sender, twinId);
    }

    /// @inheritdoc ITwinToken
    function voidGrants(uint256 twinId) external onlyTwinOwner(twinId) {
        _startEpoch(twinId, msg.sender);
    }

    /// @inheritdoc ITwinToken
    function retire(uint256 twinId) external onlyTwinOwner(twinId) {
        _startEpoch(twinId, msg.sender);
        _lives[twinId].retired = true;
        emit TwinRetired(twinId);
    }

    /// @inheritdoc ITwinToken
    function epochOf(uint256 twinId) public view returns (uint32 epoch) {
        Life memory life = _lives[twinId];
        if (life.retired) revert TwinIsRetired(twinId);
        return life.epoch;
    }

    /// @inheritdoc ITwinToken
    function lifeOf(uint256 twinId) external view returns (bool live, uint32 epoch) {
        Life memory life = _lives[twinId];
        return (!life.retired, life.epoch);
    }

    /// @inheritdoc ITwinToken
    function ownerAndEpochOf(uint256 twinId) external view returns (address owner, uint32 epoch) {
        return (_requireOwned(twinId), epochOf(twinId));
    }

    /// @inheritdoc ITwinToken
    function epochEnd(uint256 twinId, uint32 epoch) external view returns (uint40 endedAt) {
        return _ended[twinId][epoch].at;
    }

    /// @inheritdoc ITwinToken
    function ownerDuring(uint256 twinId, uint32 epoch) external view returns (address owner) {
        return epoch == _lives[twinId].epoch ? _requireOwned(twinId) : _ended[twinId][epoch].owner;
    }

    /// @inheritdoc ITwinToken
    function isRetired(uint256 twinId) external view returns (bool retired) {
        return _lives[twinId].retired;
    }

    /// @notice Says only what kind of thing the twin stands for.
    function tokenURI(uint256 twinId) public view override returns (string memory) {
        _requireOwned(twinId);
        uint8 kind = uint8(twinId);
        string memory name = kind == PATIENT ? "Patient twin" : kind == WARD ? "Ward twin" : "Equipment twin";
        return string.concat("data:application/json;utf8,{\"name\":\"", name, "\"}");
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 id) public view override(ERC721, IERC165) returns (bool) {
        return id == type(ITwinToken).interfaceId || super.supportsInterface(id);
    }

    /// @dev Every way to move a token ends here, so here is where a patient's twin is held.
    function _update(address to, uint256 twinId, address auth) internal override returns (address from) {
        from = super._update(to, twinId, auth);
        if (from == address(0)) return from;
        if (uint8(twinId) == PATIENT) revert PatientTwinBound(twinId);
        _startEpoch(twinId, from);
    }

    function _startEpoch(uint256 twinId, address owner) private {
        uint32 epoch = epochOf(twinId);
        _ended[twinId][epoch] = Ended(uint40(block.timestamp), owner);
        _lives[twinId].epoch = ++epoch;
        emit EpochStarted(twinId, epoch);
    }
}
