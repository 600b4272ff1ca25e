#!/bin/sh
# Install an IPFS node for development into a folder: Kubo, built from its Go module;
# where that is not possible, js-ipfs (same RPC, deprecated upstream: tests only).
#
#   scripts/ipfs_node.sh [FOLDER]        default .tools
#   IPFS_NODE=kubo|js-ipfs               insist on one of them
set -eu

KUBO=v0.43.1
# Kubo v0.43.1 replaces go-libp2p by a fork that lets it use newer QUIC modules. Not every module proxy
# serves the fork: the second attempt takes the go-libp2p release with the QUIC modules it names itself.
QUIC=v0.60.0
WEBTRANSPORT=v0.11.1

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-.tools}
wanted=${IPFS_NODE:-any}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

say() { printf 'ipfs_node: %s\n' "$*" >&2; }

go_build() {
    (cd "$scratch/kubo" && GOFLAGS="-mod=mod -buildvcs=false" \
        go build -trimpath -ldflags="-s -w" -o "$scratch/ipfs" ./cmd/ipfs) >"$scratch/log" 2>&1
}

build_kubo() {
    command -v go >/dev/null 2>&1 || { say "no Go here, Kubo cannot be built"; return 1; }
    (cd "$scratch" && go mod download -json "github.com/ipfs/kubo@$KUBO") >"$scratch/module.json" 2>"$scratch/log" || {
        say "the module of Kubo $KUBO cannot be fetched: $(tail -n 1 "$scratch/log")"; return 1; }
    source=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p' "$scratch/module.json")
    [ -d "$source" ] || { say "the module of Kubo $KUBO has no source folder"; return 1; }
    cp -R "$source" "$scratch/kubo" && chmod -R u+w "$scratch/kubo" || return 1
    say "building Kubo $KUBO, this takes some minutes"
    if ! go_build; then
        say "Kubo as published does not build here ($(grep -v downloading "$scratch/log" | tail -n 1 | cut -c 1-120))"
        say "trying again with the released go-libp2p"
        (cd "$scratch/kubo" && go mod edit -dropreplace=github.com/libp2p/go-libp2p \
            -replace="github.com/quic-go/quic-go=github.com/quic-go/quic-go@$QUIC" \
            -replace="github.com/quic-go/webtransport-go=github.com/quic-go/webtransport-go@$WEBTRANSPORT") || return 1
        go_build || { say "Kubo does not build here: $(tail -n 1 "$scratch/log")"; return 1; }
    fi
    mv "$scratch/ipfs" "$folder/ipfs.new" && mv "$folder/ipfs.new" "$folder/ipfs"
}

install_js_ipfs() {
    command -v npm >/dev/null 2>&1 || { say "no npm here, js-ipfs cannot be installed"; return 1; }
    mkdir -p "$folder/js-ipfs"
    cp "$here/js-ipfs/node.mjs" "$here/js-ipfs/package.json" "$here/js-ipfs/package-lock.json" "$folder/js-ipfs/"
    say "installing js-ipfs"
    (cd "$folder/js-ipfs" && npm ci --ignore-scripts --no-audit --no-fund) >"$scratch/log" 2>&1 || {
        say "js-ipfs cannot be installed: $(tail -n 1 "$scratch/log")"; return 1; }
}

if [ "$wanted" != js-ipfs ]; then
    if [ -x "$folder/ipfs" ] && [ "$("$folder/ipfs" version --number)" = "${KUBO#v}" ]; then
        say "using Kubo $KUBO, already in $folder/ipfs"
        exit 0
    fi
    if build_kubo; then
        say "using Kubo $KUBO, built into $folder/ipfs"
        exit 0
    fi
    [ "$wanted" = kubo ] && exit 1
fi
install_js_ipfs || exit 1
say "using js-ipfs (NOT Kubo; deprecated upstream, for tests only) in $folder/js-ipfs"
