/** Who is here: a passkey, a wallet of one's own, or a demonstration account. Keys stay where they are. */
import {
  type EIP1193Provider, createWalletClient, custom, encodeAbiParameters, encodeFunctionData, hashMessage, numberToHex,
} from 'viem'
import { createSiweMessage } from 'viem/siwe'
import { ABI } from '../generated/abi'
import { type Hex, concat, fromHex, keccak, random, sha256, toHex } from './bytes'
import { type Contract, type TypedData, addressOf, chain, digestOf, mined, now, read, typed } from './chain'
import { configured } from './config'
import { post } from './server'

export interface Identity {
  kind: 'demo' | 'wallet' | 'passkey'
  address: Hex
  sign(data: TypedData): Promise<Hex>
  signMessage(text: string): Promise<Hex>
  /** Sends a transaction and waits; the block it is in. */
  send(contract: Contract, functionName: string, ...args: unknown[]): Promise<number>
  /** The same to a passkey account, which is not one of the suite's contracts. */
  sendTo(account: Hex, functionName: string, ...args: unknown[]): Promise<number>
}

type Send = (address: Hex, contract: Contract, functionName: string, args: unknown[]) => Promise<number>

const sending = (send: Send): Pick<Identity, 'send' | 'sendTo'> => ({
  send: (contract, functionName, ...args) => send(addressOf(contract), contract, functionName, args),
  sendTo: (account, functionName, ...args) => send(account, 'PasskeyAccount', functionName, args),
})

/** The person said no in the wallet or at the passkey's prompt: nothing was done. */
export class SaidNo extends Error {}

const DEADLINE_S = 10 * 60

// -- demonstration accounts: their words are public, so they are worth nothing ----------------

export async function demoIdentity(role: string): Promise<Identity> {
  const { mnemonicToAccount } = await import('viem/accounts')
  const { mnemonic, roles } = configured().demo!
  const account = mnemonicToAccount(mnemonic, { addressIndex: roles.indexOf(role) })
  const client = createWalletClient({ account, transport: custom(chain()) })
  return {
    kind: 'demo',
    address: account.address,
    sign: (data) => account.signTypedData(data as any),
    signMessage: (message) => account.signMessage({ message }),
    ...sending(async (address, contract, functionName, args) => {
      const call = { address, abi: ABI[contract] as any, functionName, args }
      const { request } = await chain().simulateContract({ ...call, account })
      return mined(await client.writeContract({ ...request, chain: null, type: 'legacy' } as any))
    }),
  }
}

// -- wallets (EIP-1193, announced by EIP-6963) --------------------------------------------------

export interface Wallet {
  info: { uuid: string; name: string; icon: string }
  provider: EIP1193Provider
}

const announced = new Map<string, Wallet>()

export const wallets = (): Wallet[] => [...announced.values()]

/** Asks the browser's wallets to say who they are; `found` is told of each. */
export function onWallets(found: () => void): void {
  window.addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = (event as CustomEvent<Wallet>).detail
    announced.set(info.uuid, { info, provider })
    found()
  })
  window.dispatchEvent(new Event('eip6963:requestProvider'))
}

/** `changed` is told when the wallet moves to another account or chain: what was shown is then somebody else's. */
export async function walletIdentity({ provider }: Wallet, changed: () => void): Promise<Identity> {
  const client = createWalletClient({ transport: custom(provider) })
  const [address] = await asked(client.requestAddresses())
  if ((await client.getChainId()) !== configured().chainId) {
    await asked(client.switchChain({ id: configured().chainId }))
  }
  provider.on('accountsChanged', changed)
  provider.on('chainChanged', changed)
  const account = address as Hex
  return {
    kind: 'wallet',
    address: account,
    sign: (data) => asked(client.signTypedData({ account, ...(data as any) })),
    signMessage: (message) => asked(client.signMessage({ account, message })),
    ...sending(async (address, contract, functionName, args) => {
      const call = { address, abi: ABI[contract] as any, functionName, args }
      const { request } = await chain().simulateContract({ ...call, account })
      return mined(await asked(client.writeContract({ ...request, chain: null } as any)))
    }),
  }
}

const REJECTED = 4001

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    for (let cause: any = error; cause; cause = cause.cause) {
      if (cause.code === REJECTED) throw new SaidNo()
    }
    throw error
  }
}

// -- passkeys: an account contract that this device's key controls --------------------------------

export interface Passkey {
  id: string
  x: Hex
  y: Hex
  account: Hex
}

const KEPT = 'medtwin.passkeys'
const P256 = -7

export const keptPasskeys = (): Passkey[] => JSON.parse(localStorage.getItem(KEPT) ?? '[]')

/** One prompt; the hospital's relayer makes the account and pays. */
export async function newPasskey(label: string): Promise<Identity> {
  const { id, x, y } = await makeKey(label)
  const { account } = await post('/api/accounts', { x, y })
  const site = toHex(sha256(new TextEncoder().encode(location.hostname)))
  if ((await read('PasskeyFactory', 'addressOf', x, y, site)) !== account) throw new Error('the server named another account')
  return passkeyIdentity(keep({ id, x, y, account }))
}

/** A key for an account that guardians are to give back; it counts once they did. */
export async function replacementKey(account: Hex): Promise<Passkey> {
  return keep({ ...(await makeKey('Medtwin')), account })
}

function keep(passkey: Passkey): Passkey {
  localStorage.setItem(KEPT, JSON.stringify([...keptPasskeys(), passkey]))
  return passkey
}

async function makeKey(label: string): Promise<Omit<Passkey, 'account'>> {
  const made = (await prompted(
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Medtwin', id: location.hostname },
        user: { id: random(32).slice(), name: label, displayName: label },
        challenge: random(32).slice(),
        pubKeyCredParams: [{ type: 'public-key', alg: P256 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
      },
    }),
  )) as PublicKeyCredential
  const response = made.response as AuthenticatorAttestationResponse
  const point = new Uint8Array(response.getPublicKey()!).slice(-64) // SPKI of P-256 ends with x and y
  return { id: made.id, x: toHex(point.slice(0, 32)), y: toHex(point.slice(32)) }
}

export function passkeyIdentity({ id, x, y, account }: Passkey): Identity {
  const keyId = toHex(keyIdOf(x, y))
  const signHash = async (hash: Hex): Promise<Hex> => {
    const challenge = digestOf(typed(account, 'AccountMessage', { hash }))
    return assertion(id, keyId, challenge)
  }
  return {
    kind: 'passkey',
    address: account,
    sign: (data) => signHash(digestOf(data)),
    signMessage: (text) => signHash(hashMessage(text)),
    ...sending(async (target, contract, functionName, args) => {
      const call = {
        target,
        data: encodeFunctionData({ abi: ABI[contract] as any, functionName, args }),
        nonce: BigInt(toHex(random(24))) << 64n, // a lane of its own (keyed nonces), so that nothing waits for anything
        deadline: (await now()) + DEADLINE_S,
      }
      const signature = await assertion(id, keyId, digestOf(typed(account, 'Call', call)))
      const body = { ...call, nonce: numberToHex(call.nonce), account, signature }
      return mined((await post('/api/relay/call', body)).transaction)
    }),
  }
}

const keyIdOf = (x: Hex, y: Hex): Uint8Array => keccak(concat(fromHex(x), fromHex(y)))

async function assertion(id: string, keyId: Hex, challenge: Hex): Promise<Hex> {
  const got = (await prompted(
    navigator.credentials.get({
      publicKey: {
        challenge: fromHex(challenge).slice(),
        rpId: location.hostname,
        allowCredentials: [{ type: 'public-key', id: fromBase64url(id).slice() }],
        userVerification: 'required',
      },
    }),
  )) as PublicKeyCredential
  const response = got.response as AuthenticatorAssertionResponse
  const [r, s] = pointsOf(new Uint8Array(response.signature))
  return encodeAbiParameters(
    [{ type: 'bytes32' }, { type: 'bytes' }, { type: 'bytes' }, { type: 'bytes32' }, { type: 'bytes32' }],
    [
      keyId, toHex(new Uint8Array(response.authenticatorData)), toHex(new Uint8Array(response.clientDataJSON)),
      numberToHex(r, { size: 32 }), numberToHex(s, { size: 32 }),
    ],
  )
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** r and the low s of a DER signature. */
function pointsOf(der: Uint8Array): [bigint, bigint] {
  const rEnd = 4 + der[3]!
  const r = BigInt(toHex(der.slice(4, rEnd)))
  const s = BigInt(toHex(der.slice(rEnd + 2, rEnd + 2 + der[rEnd + 1]!)))
  return [r, s > P256_ORDER / 2n ? P256_ORDER - s : s]
}

function fromBase64url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

async function prompted<T>(answer: Promise<T | null>): Promise<T> {
  try {
    const got = await answer
    if (!got) throw new SaidNo()
    return got
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotAllowedError') throw new SaidNo()
    throw error
  }
}

// -- sign-in (EIP-4361) ----------------------------------------------------------------------

export async function signIn(me: Identity): Promise<void> {
  const { nonce } = await post('/api/session/nonce', {})
  const message = createSiweMessage({
    domain: location.host,
    address: me.address,
    statement: 'Sign in to Medtwin. This gives nobody access to anything.',
    uri: location.origin,
    version: '1',
    chainId: configured().chainId,
    nonce,
  })
  await post('/api/session', { message, signature: await me.signMessage(message) })
}
