// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../../contracts/interfaces/IReportChallenge.sol";
import {ITwinToken} from "../../../contracts/interfaces/ITwinToken.sol";
import {OracleFixture} from "../OracleFixture.sol";
import {World} from "./World.sol";

/// @notice Reports in bundles and by themselves, settled, read by proof, and refuted in time where they are false. An
/// oracle whose quorum was refuted is over for good; another comes in its place. Until then its nodes change, and change
/// back: what was posted stays, and what others than the present ones sign counts for nothing.
abstract contract Bundles is OracleFixture, World {
    enum Flaw { None, Sum, Term }

    /// @dev All that a report says follows from it. crew: who signed it. number: of their config when it was posted.
    /// sibling: the other leaf of its bundle, 0 if it stands alone.
    struct Told {
        uint256 twinId;
        uint48 round;
        uint40 asOf;
        Flaw flaw;
        uint40 at;
        uint8 crew;
        uint16 number;
        bytes32 sibling;
    }

    struct Slot {
        uint48 round;
        uint16 number;
    }

    bytes32 private constant LINEAR = keccak256("linear");
    bytes32 private constant MANIFEST = bytes32("manifest");
    uint256 private constant RECENT = 8;
    uint256 private constant CREWS = 3;
    uint256 internal constant POOL = 8;

    IPredictionOracle internal court;
    Told[] internal tellings;
    /// @dev By ascending address; four in a row are a crew, and each shares two with the next.
    address[POOL] internal pool;
    uint256[POOL] private _poolKeys;
    uint8 internal crew;
    uint16 internal number;
    mapping(address oracle => mapping(uint256 twinId => Slot)) internal slots;
    mapping(uint256 twinId => uint48) private _rounds;
    uint256 public refutations;

    function setUp() public virtual override(OracleFixture, World) {
        super.setUp();
        models.register(LINEAR, bytes32("card"), 0, false);
        models.registerTerms(LINEAR, _pairOf(_leaf(_term(0)), _leaf(_term(1))), IModelRegistry.Link.Identity);
        vm.prank(administrator);
        models.approve(LINEAR);
        _hire();
        _newCourt();
    }

    function _hire() private {
        for (uint256 i = 0; i < POOL; ++i) {
            uint256 key = 0xC0DE + i;
            address node = vm.addr(key);
            uint256 at = i;
            for (; at > 0 && pool[at - 1] > node; --at) (pool[at], _poolKeys[at]) = (pool[at - 1], _poolKeys[at - 1]);
            (pool[at], _poolKeys[at]) = (node, key);
        }
    }

    /// @dev Others come in the nodes' place, with some who stay; also ones who were there before.
    function rotateCourt() internal returns (bool) {
        uint8 next = uint8((crew + 1 + _draw(CREWS - 1)) % CREWS);
        uint40 deadline = uint40(block.timestamp + _draw(3));
        bytes memory call = abi.encodeCall(court.rotate, (_crew(next), 1, deadline, _votes(crew, _rotation(next, deadline))));
        bytes4 why = deadline == block.timestamp ? IPredictionOracle.SignatureExpired.selector : bytes4(0);
        if (!_try(stranger, address(court), call, why)) return false;
        Told memory late = _new(uint40(block.timestamp));
        (crew, number) = (next, number + 1);
        IPredictionOracle.Report memory said = _saidBy(late);
        call = abi.encodeCall(court.post, (said, _votes(late.crew, _courtDigest(said))));
        _refused(stranger, address(court), call, IPredictionOracle.WrongConfig.selector);
        return true;
    }

    function _rotation(uint8 next, uint40 deadline) private view returns (bytes32) {
        bytes32 typehash =
            keccak256("Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline)");
        bytes32 nodes = keccak256(abi.encodePacked(_crew(next)));
        return _typed(address(court), abi.encode(typehash, _configOf(crew), nodes, 1, number + 1, deadline));
    }

    function _crew(uint8 which) private view returns (address[] memory nodes) {
        nodes = new address[](NODES);
        for (uint256 i = 0; i < NODES; ++i) nodes[i] = pool[2 * which + i];
    }

    function _configOf(uint8 which) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(court), _crew(which), 1));
    }

    /// @dev Now, or late, so that its window counts from when it was posted.
    function tell() internal returns (bool) {
        uint40 asOf = uint40(block.timestamp - (_oneIn(3) ? _draw(3 hours) : 0));
        Told memory one = _new(asOf);
        IPredictionOracle.Report memory said = _saidBy(one);
        bytes memory call = abi.encodeCall(court.post, (said, _votes(crew, _courtDigest(said))));
        _try(stranger, address(court), call, 0);
        tellings.push(one);
        slots[address(court)][one.twinId] = Slot(one.round, one.number);
        if (_oneIn(4)) _refused(stranger, address(court), call, IPredictionOracle.RoundNotAfter.selector);
        return true;
    }

    function tellBundle() internal returns (bool) {
        (Told memory a, Told memory b) = (_new(uint40(block.timestamp)), _new(uint40(block.timestamp)));
        (bytes32 x, bytes32 y) = (_under(a), _under(b));
        (a.sibling, b.sibling) = (y, x);
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(_pairOf(x, y), MANIFEST, _configOf(crew));
        bytes memory call = abi.encodeCall(court.postBundle, (bundle, _votes(crew, _bundleDigest(crew, bundle.root))));
        _try(stranger, address(court), call, 0);
        tellings.push(a);
        tellings.push(b);
        if (_oneIn(4)) _refused(stranger, address(court), call, IPredictionOracle.BundleExists.selector);
        return true;
    }

    function settleTold() internal returns (bool) {
        Told storage one = _recent();
        for (uint256 i = 0; i < 4 && (one.sibling == 0 || _whyNotKept(one) != 0) && _usually(); ++i) one = _recent();
        if (one.sibling == 0 || _whyNotKept(one) != 0 && _usually()) return tellBundle();
        bytes memory call = abi.encodeCall(court.settle, (_saidBy(one), _path(one)));
        if (!_try(stranger, address(court), call, _whyNotKept(one))) return false;
        slots[address(court)][one.twinId] = Slot(one.round, one.number);
        return true;
    }

    /// @dev A contract that acts on reports reads one by its proof, or what is in the slot.
    function readTold() internal returns (bool) {
        Told storage one = _recent();
        if (one.twinId == 0) return tell();
        (bytes4 why, uint48 width) = (_whyNotRead(one), _usually() ? 2 : 1);
        if (why == 0 && width < 2) why = IPredictionOracle.PredictionTooWide.selector;
        if (one.sibling != 0) {
            bytes memory proven = abi.encodeCall(court.consumeProven, (_saidBy(one), _path(one), 1 days, width));
            return _try(stranger, address(court), proven, why);
        }
        if (slots[address(court)][one.twinId].round != one.round) return settleTold();
        bytes memory kept = abi.encodeCall(court.consume, (one.twinId, LINEAR, 1 days, width));
        return _try(stranger, address(court), kept, why);
    }

    /// @dev By all rows or by one term; what holds, is final, or was signed by too few is not refuted.
    function refuteTold() internal returns (bool) {
        Told storage one = _recent();
        if (one.twinId == 0) return tell();
        bool byTerm = _oneIn(2);
        bool holds = one.flaw == Flaw.None || one.flaw == Flaw.Term && !byTerm;
        if (holds && _usually() || !_oneIn(4)) return readTold();
        return _refute(one, byTerm);
    }

    function _refute(Told storage one, bool byTerm) private returns (bool) {
        bool holds = one.flaw == Flaw.None || one.flaw == Flaw.Term && !byTerm;
        bytes4 why = block.timestamp >= _finalAt(one) ? IPredictionOracle.PredictionFinal.selector : bytes4(0);
        if (holds) why = IPredictionOracle.PredictionHolds.selector;
        bytes memory call = _refutation(one, byTerm);
        if (!_try(stranger, address(court), call, why)) return false;
        ++refutations;
        _checkOver(one, call);
        _newCourt();
        return true;
    }

    function passToFinal() internal returns (bool) {
        Told storage one = _recent();
        _passTo(_oneIn(3) ? one.asOf + 1 days : _finalAt(one));
        return one.flaw == Flaw.None || block.timestamp > _finalAt(one) ? readTold() : _refute(one, true);
    }

    /// @dev Nothing of the refuted report is to be had, and nobody who signed it counts.
    function _checkOver(Told storage one, bytes memory call) private {
        require(court.isRefuted(_courtDigest(_saidBy(one))), "a refuted report stands");
        for (uint256 i = 0; i < 3; ++i) {
            require(!court.isSigner(pool[2 * one.crew + i]), "who signed what was refuted still counts");
        }
        bytes4 why = IPredictionOracle.PredictionIsRefuted.selector;
        _refused(stranger, address(court), call, why);
        if (one.sibling != 0) {
            _refused(stranger, address(court), abi.encodeCall(court.settle, (_saidBy(one), _path(one))), why);
        }
        if (slots[address(court)][one.twinId].round == one.round && !twins.isRetired(one.twinId)) {
            bytes memory read = abi.encodeCall(court.consume, (one.twinId, LINEAR, type(uint40).max, type(uint48).max));
            _refused(stranger, address(court), read, why);
        }
        IPredictionOracle.Report memory next = _saidBy(_new(uint40(block.timestamp)));
        bytes memory post = abi.encodeCall(court.post, (next, _votes(crew, _courtDigest(next))));
        bool others = one.crew + 2 == crew || crew + 2 == one.crew; // none of whom signed it
        _try(stranger, address(court), post, others ? bytes4(0) : IPredictionOracle.UnknownSigner.selector);
    }

    function _courtDigest(IPredictionOracle.Report memory said) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config)"
        );
        return _typed(address(court), abi.encode(typehash, said));
    }

    /// @dev The margin is 70 for the base and 20 + 5 for each million of the value above one.
    function _saidBy(Told memory one) internal view returns (IPredictionOracle.Report memory said) {
        IReportChallenge.Row[] memory rows = _rows(one);
        int48 score = 90 + 5 * int48(one.round % 8) + (one.flaw == Flaw.Term ? int48(1) : int48(0));
        said = IPredictionOracle.Report(
            one.twinId, LINEAR, one.round, one.asOf, 1, score, score - 1, score + 1, "inputs", 0, _configOf(one.crew)
        );
        said.explanationRoot = _pairOf(_leaf(rows[0]), _leaf(rows[1]));
    }

    function _newCourt() private {
        (crew, number) = (0, 1);
        bytes memory arguments = abi.encode(twins, models, challenge, _crew(0), 1);
        court = IPredictionOracle(vm.deployCode("PredictionOracle.sol:PredictionOracle", arguments));
        delete tellings;
    }

    function _new(uint40 asOf) private returns (Told memory) {
        uint256 id = _liveTwin().id;
        Flaw flaw = _oneIn(6) ? (_oneIn(2) ? Flaw.Sum : Flaw.Term) : Flaw.None;
        return Told(id, ++_rounds[id], asOf, flaw, uint40(block.timestamp), crew, number, 0);
    }

    /// @dev An empty one while there is none.
    function _recent() private returns (Told storage) {
        if (tellings.length == 0) tell();
        return tellings[tellings.length - 1 - _draw(tellings.length < RECENT ? tellings.length : RECENT)];
    }

    function _finalAt(Told storage one) private view returns (uint40) {
        bool prompt = one.sibling == 0 && one.at <= one.asOf + 1 hours;
        return (prompt ? one.asOf : one.at) + 1 days;
    }

    function _whyNotKept(Told storage one) private view returns (bytes4) {
        if (twins.isRetired(one.twinId)) return ITwinToken.TwinIsRetired.selector;
        bool after_ = one.round > slots[address(court)][one.twinId].round;
        return after_ ? bytes4(0) : IPredictionOracle.RoundNotAfter.selector;
    }

    function _whyNotRead(Told storage one) private view returns (bytes4) {
        if (twins.isRetired(one.twinId)) return ITwinToken.TwinIsRetired.selector;
        if (one.round < slots[address(court)][one.twinId].round) return IPredictionOracle.RoundNotAfter.selector;
        return block.timestamp > one.asOf + 1 days ? IPredictionOracle.PredictionStale.selector : bytes4(0);
    }

    function _refutation(Told storage one, bool byTerm) private view returns (bytes memory) {
        IPredictionOracle.Report memory said = _saidBy(one);
        IPredictionOracle.Place memory place;
        if (one.sibling != 0) (place.manifest, place.path) = (MANIFEST, _path(one));
        bytes32 digest = one.sibling == 0 ? _courtDigest(said) : _bundleDigest(one.crew, _pairOf(_under(one), one.sibling));
        IReportChallenge.Row[] memory rows = _rows(one);
        if (byTerm) return abi.encodeCall(court.refuteTerm, (said, place, _votes(one.crew, digest), _opened(rows)));
        if (_leaf(rows[0]) > _leaf(rows[1])) (rows[0], rows[1]) = (rows[1], rows[0]);
        return abi.encodeCall(court.refuteSum, (said, place, _votes(one.crew, digest), rows));
    }

    function _rows(Told memory one) private pure returns (IReportChallenge.Row[] memory rows) {
        rows = new IReportChallenge.Row[](2);
        int64 steps = int64(uint64(one.round % 8));
        int64 more = one.flaw == Flaw.None ? int64(0) : int64(1);
        int64 margin = 90 + 5 * steps + (one.flaw == Flaw.Term ? int64(1) : int64(0));
        rows[0] = IReportChallenge.Row(0, "base", true, margin, 70);
        rows[1] = IReportChallenge.Row(1, "rate", true, 1e6 + 1e6 * steps, 20 + 5 * steps + more);
    }

    function _term(uint16 index) private pure returns (IReportChallenge.Term memory) {
        if (index == 0) return IReportChallenge.Term(0, "base", true, type(int64).min, type(int64).max, 70, 0, 0);
        return IReportChallenge.Term(1, "rate", true, 0, 9e6, 20, 5, 1e6);
    }

    function _opened(IReportChallenge.Row[] memory rows) private pure returns (IReportChallenge.Opened memory opened) {
        (opened.row, opened.term) = (rows[1], _term(1));
        (opened.path, opened.termPath) = (new bytes32[](1), new bytes32[](1));
        (opened.path[0], opened.termPath[0]) = (_leaf(rows[0]), _leaf(_term(0)));
    }

    function _path(Told storage one) private view returns (bytes32[] memory path) {
        path = new bytes32[](1);
        path[0] = one.sibling;
    }

    function _under(Told memory one) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(_courtDigest(_saidBy(one))))));
    }

    function _bundleDigest(uint8 by, bytes32 root) private view returns (bytes32) {
        bytes32 typehash = keccak256("Bundle(bytes32 root,bytes32 manifest,bytes32 config)");
        return _typed(address(court), abi.encode(typehash, root, MANIFEST, _configOf(by)));
    }

    function _votes(uint8 by, bytes32 digest) private view returns (bytes memory) {
        uint256 first = 2 * by;
        return bytes.concat(
            _sign(_poolKeys[first], digest), _sign(_poolKeys[first + 1], digest), _sign(_poolKeys[first + 2], digest)
        );
    }

    function _leaf(IReportChallenge.Row memory row) private pure returns (bytes32) {
        bytes memory encoded = abi.encode(row.index, row.name, row.known, row.value, row.contribution);
        return keccak256(bytes.concat(keccak256(encoded)));
    }

    function _leaf(IReportChallenge.Term memory t) private pure returns (bytes32) {
        bytes memory encoded = abi.encode(t.index, t.name, t.known, t.from, t.below, t.step, t.slope, t.centre);
        return keccak256(bytes.concat(keccak256(encoded)));
    }

    function _pairOf(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }
}
