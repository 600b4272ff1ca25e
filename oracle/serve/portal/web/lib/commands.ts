/** Feedback to devices: commands, their bounds, and the devices' answers. */
import type { Hex } from './bytes'
import { events, mined, read } from './chain'
import { type Proposal, answer, fieldsOf } from './desk'
import type { Identity } from './identity'
import { COMMAND, COMMAND_UNIT } from '../generated/signed'
import { configured } from './config'
import { post } from './server'

export const STATES = ['unknown', 'pending', 'acknowledged', 'rejected', 'expired'] as const

export interface Sent {
  id: Hex
  device: Hex
  code: number
  value: number
  clinician: Hex
  deadline: number
  state: (typeof STATES)[number]
}

export interface Bounds {
  low: number
  high: number
  interval: number
  set: boolean
}

export const codeName = (code: number): string => Object.entries(COMMAND).find(([, one]) => one === code)?.[0] ?? String(code)
export const unitOf = (code: number): string => (COMMAND_UNIT as Record<string, string>)[codeName(code)] ?? ''

/** Newest first. */
export async function commandsOf(twin: bigint): Promise<Sent[]> {
  const sent = await events('DeviceLoop', 'CommandSent', { twinId: twin })
  const states = await Promise.all(sent.map(({ args }) => read('DeviceLoop', 'stateOf', args.commandId)))
  return sent.map(({ args: { commandId, command } }, at) => ({
    id: commandId as Hex, device: command.device as Hex, code: command.code as number, value: Number(command.value) / 1e6, clinician: command.clinician as Hex,
    deadline: Number(command.deadline), state: STATES[states[at]]!,
  })).reverse()
}

export async function boundsOf(device: Hex, code: number): Promise<Bounds> {
  const { low, high, interval, set } = await read('DeviceLoop', 'envelopeOf', device, code)
  return { low: Number(low) / 1e6, high: Number(high) / 1e6, interval, set }
}

/** One signature; the hospital pays where it relays. */
export async function sign(me: Identity, one: Proposal): Promise<number> {
  const { device, twinId, code, value, clinician, nonce, deadline } = fieldsOf(one)
  const signature = await answer(me, one)
  if (!configured().relayer) return me.send('DeviceLoop', 'send', { device, twinId, code, value, clinician, nonce, deadline }, signature)
  const { transaction } = await post('/api/relay/command', {
    device, twin: twinId, code: Number(code), value: Number(value), clinician, nonce, deadline: Number(deadline), signature,
  })
  return mined(transaction)
}
