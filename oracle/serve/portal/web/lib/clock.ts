/** The time by which things end: this device's, or the record's where that is ahead. */
import { now } from './chain'
import { number, t } from './words'

let ahead = 0

export async function setClock(): Promise<void> {
  ahead = Math.max(0, (await now()) - Date.now() / 1000)
}

export const clock = (): number => Date.now() / 1000 + ahead

/** "3 h 12 min" until then; to the second in the last hour. */
export function left(until: number): string {
  const seconds = Math.max(0, Math.floor(until - clock()))
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60]
  if (days) return t('left.days', { days: number(days), hours: number(hours) })
  return hours ? t('left.hours', { hours: number(hours), minutes: number(minutes) }) : t('left.minutes', { minutes: number(minutes), seconds: number(seconds % 60) })
}
