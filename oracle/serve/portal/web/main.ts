/** The portal's pages, each loaded when it is opened. */
import { ready } from './lib/chain'
import { loadConfig } from './lib/config'
import { become, draw, keptRole, start, type Page } from './lib/shell'
import { demoIdentity } from './lib/identity'
import { chooseLanguage } from './lib/words'

async function open([section = '', first, second, third]: string[]): Promise<Page> {
  if (section) await ready() // the first page says nothing that is on the chain, and is there at once
  switch (section) {
    case '': return (await import('./pages/home')).home()
    case 'patient': {
      if (!first || first === 'for') return (await import('./pages/patient')).twins(second)
      if (second === 'allow') return (await import('./pages/allow')).allow(BigInt(first), third)
      if (second === 'offer') return (await import('./pages/offer')).offer(BigInt(first))
      if (second === 'erase') return (await import('./pages/erase')).erase(BigInt(first))
      return (await import('./pages/twin')).twin(BigInt(first))
    }
    case 'welcome': return (await import('./pages/welcome')).welcome()
    case 'invite': return (await import('./pages/invite')).invite()
    case 'guardians': return (await import('./pages/guardians')).guardians()
    case 'recover': return (await import('./pages/recover')).recover(first as `0x${string}`, second as `0x${string}`, third as `0x${string}`)
    case 'research': return (await import('./pages/research')).research()
    case 'ward': {
      if (!first) return (await import('./pages/ward')).ward()
      if (first === 'signing') return (await import('./pages/signing')).signing()
      if (first === 'emergency') return (await import('./pages/emergency')).emergency(second ? BigInt(second) : undefined)
      if (second === 'handoff') return (await import('./pages/handoff')).handoff(BigInt(first))
      return (await import('./pages/bedside')).bedside(BigInt(first))
    }
    case 'hospital': return (await import('./pages/hospital')).hospital()
    default: return (await import('./pages/verify')).verify(first)
  }
}

await loadConfig()
await chooseLanguage()
draw()
const role = keptRole()
if (role) {
  try {
    await ready()
    await become(await demoIdentity(role), role)
  } catch {
    // the page itself will say what is wrong
  }
}
await start(open)
