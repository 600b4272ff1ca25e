// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice The arithmetic of additive models: integers of a millionth, as oracle/twins/additive.py has it.
library FixedPoint {
    int256 private constant E6 = 1e6;
    int256 private constant ONE = 1e30;
    int256 private constant LN2 = 693147180559945309417232121458;
    /// @dev e^-64 is below 1e-27: beyond, the share is 0 or 1 to every digit that counts.
    int256 private constant FAR = 64e6;
    /// @dev 1e-21 of one; what the series loses is below 1e-27.
    int256 private constant SLACK = 1e9;

    /// @notice a * b of millionths, rounded half to even.
    function product(int256 a, int256 b) internal pure returns (int256 whole) {
        int256 exact = a * b;
        whole = exact / E6;
        int256 rest = exact % E6;
        if (rest < 0) (whole, rest) = (whole - 1, rest + E6);
        if (2 * rest > E6 || (2 * rest == E6 && whole % 2 != 0)) ++whole;
    }

    /// @notice Whether a share in millionths is 1 / (1 + e^-margin) but for its rounding to the nearest millionth.
    function isLogistic(int256 shareE6, int256 marginE6) internal pure returns (bool) {
        bool negative = marginE6 < 0;
        int256 distance = negative ? -marginE6 : marginE6;
        int256 odds = distance >= FAR ? int256(0) : exponential(distance);
        int256 share = (negative ? odds : ONE) * ONE / (ONE + odds);
        int256 difference = shareE6 * (ONE / E6) - share;
        if (difference < 0) difference = -difference;
        return difference <= ONE / E6 / 2 + SLACK;
    }

    /// @notice e^-x in parts of 1e30, for x in millionths, not negative and below 64.
    /// @dev x = k ln 2 + r: the series of e^-r, r below ln 2, halved k times.
    function exponential(int256 xE6) internal pure returns (int256 sum) {
        int256 x = xE6 * (ONE / E6);
        int256 rest = x % LN2;
        int256 term = ONE;
        for (int256 n = 1; term != 0; ++n) {
            sum += term;
            term = term * -rest / ONE / n;
        }
        return sum >> uint256(x / LN2);
    }
}
