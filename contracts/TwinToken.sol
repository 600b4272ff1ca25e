// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";

/// @notice See ITwinToken.
contract TwinToken is ERC721, ITwinToken {
    /// @dev One slot. OpenZeppelin keeps the owner alone; beside its epoch, whoever asks for both reads one slot
    /// less (2.1k gas of grant, list, purchase; tests/contracts/gas.json). So owners and balances are kept here.
    struct Twin {
        address owner;
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

    mapping(uint256 twinId => Twin) private _twins;
    mapping(address owner => uint256) private _counts;
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
        _startEpoch(twinId);
    }

    /// @inheritdoc ITwinToken
    function retire(uint256 twinId) external onlyTwinOwner(twinId) {
        _startEpoch(twinId);
        _twins[twinId].retired = true;
        emit TwinRetired(twinId);
    }

    /// @inheritdoc ITwinToken
    function epochOf(uint256 twinId) external view returns (uint32 epoch) {
        return _live(twinId).epoch;
    }

    /// @inheritdoc ITwinToken
    function currentEpoch(uint256 twinId) external view returns (uint32 epoch) {
        return _twins[twinId].epoch;
    }

    /// @inheritdoc ITwinToken
    function ownerAndEpochOf(uint256 twinId) external view returns (address owner, uint32 epoch) {
        Twin memory twin = _twins[twinId];
        if (twin.retired) revert TwinIsRetired(twinId);
        (owner, epoch) = (twin.owner, twin.epoch);
        if (owner == address(0)) revert ERC721NonexistentToken(twinId);
    }

    /// @inheritdoc ITwinToken
    function epochEnd(uint256 twinId, uint32 epoch) external view returns (uint40 endedAt) {
        return _ended[twinId][epoch].at;
    }

    /// @inheritdoc ITwinToken
    function ownerDuring(uint256 twinId, uint32 epoch) external view returns (address owner) {
        return epoch == _twins[twinId].epoch ? _requireOwned(twinId) : _ended[twinId][epoch].owner;
    }

    /// @inheritdoc ITwinToken
    function isRetired(uint256 twinId) external view returns (bool retired) {
        return _twins[twinId].retired;
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

    /// @inheritdoc ERC721
    function balanceOf(address owner) public view override(ERC721, IERC721) returns (uint256) {
        if (owner == address(0)) revert ERC721InvalidOwner(owner);
        return _counts[owner];
    }

    /// @dev Every way to mint or move a token ends here, so here is where a patient's twin is held. None is burnt.
    function _update(address to, uint256 twinId, address auth) internal override returns (address from) {
        from = _ownerOf(twinId);
        if (auth != address(0)) _checkAuthorized(from, auth, twinId);
        if (from != address(0)) {
            if (uint8(twinId) == PATIENT) revert PatientTwinBound(twinId);
            _startEpoch(twinId);
            _approve(address(0), twinId, address(0), false);
            --_counts[from];
        }
        ++_counts[to];
        _twins[twinId].owner = to;
        emit Transfer(from, to, twinId);
    }

    function _startEpoch(uint256 twinId) private {
        Twin storage twin = _live(twinId);
        uint32 epoch = twin.epoch;
        _ended[twinId][epoch] = Ended(uint40(block.timestamp), twin.owner);
        twin.epoch = ++epoch;
        emit EpochStarted(twinId, epoch);
    }

    function _live(uint256 twinId) private view returns (Twin storage twin) {
        twin = _twins[twinId];
        if (twin.retired) revert TwinIsRetired(twinId);
    }

    function _ownerOf(uint256 twinId) internal view override returns (address) {
        return _twins[twinId].owner;
    }
}
