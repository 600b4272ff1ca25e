/** How somebody may look at twins now: by the patient's consent, by an open case, by an open emergency. */
import type { Hex } from './bytes'
import { read } from './chain'
import { casesOf, isOpen as isCaseOpen } from './cases'
import { setClock } from './clock'
import { twinsFor } from './consent'
import type { Through } from './custody'
import { isOpen as isUseOpen, usesOf } from './emergencies'
import { PURPOSE } from '../generated/signed'

export interface Way {
  categories: number
  purpose: number
  through?: Through
  until: number
}

/** Twins by id, each with the ways in; what a consent lets in comes first. */
export async function waysOf(me: Hex): Promise<Map<bigint, Way[]>> {
  await setClock()
  const [twins, cases, uses] = await Promise.all([twinsFor(me), casesOf({ to: me }), usesOf()])
  const found = new Map<bigint, Way[]>()
  const add = (twin: bigint, way: Way): void => void found.set(twin, [...(found.get(twin) ?? []), way])
  for (const twin of twins) {
    const grant = await read('ConsentRegistry', 'grantOf', twin, me)
    if (grant.purposes & PURPOSE.care) add(twin, { categories: grant.categories, purpose: PURPOSE.care, until: Number(grant.expiry) })
  }
  for (const one of cases.filter(isCaseOpen)) add(one.twin, { categories: one.categories, purpose: PURPOSE.care, through: 'CaseToken', until: one.expiry })
  for (const use of uses.filter((use) => isUseOpen(use) && use.clinician === me)) {
    add(use.twin, { categories: use.categories, purpose: PURPOSE.emergency, through: 'EmergencyAccess', until: use.expiry })
  }
  return found
}
