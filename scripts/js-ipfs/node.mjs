// js-ipfs with its Kubo-compatible HTTP RPC: offline, on loopback, no peers.  usage: node node.mjs REPO PORT

// Newer dependencies use Promise.withResolvers, which Node 20 lacks.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((accept, refuse) => {
    resolve = accept
    reject = refuse
  })
  return { promise, resolve, reject }
}

const { create } = await import('ipfs-core')
const { HttpApi } = await import('ipfs-http-server')

const [repo, port] = process.argv.slice(2)
const ipfs = await create({
  repo,
  offline: true,
  silent: true,
  preload: { enabled: false },
  init: { emptyRepo: true, algorithm: 'Ed25519' },
  config: {
    Addresses: { Swarm: [], API: `/ip4/127.0.0.1/tcp/${port}`, Gateway: [], Delegates: [] },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } }
  }
})
const api = new HttpApi(ipfs)
await api.start()

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await api.stop()
    await ipfs.stop()
    process.exit(0)
  })
}
