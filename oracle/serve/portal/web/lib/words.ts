/** Words in the reader's language, numbers and times as the reader writes them. */
import { IntlMessageFormat } from 'intl-messageformat'
import en from '../locales/en.json'
import { CATEGORY, EMERGENCY_REASON, PURPOSE } from '../generated/signed'

export type Key = keyof typeof en
export const LANGUAGES = { en: 'English', ar: 'العربية' } as const
export type Language = keyof typeof LANGUAGES
const RIGHT_TO_LEFT = new Set<Language>(['ar'])
const KEPT = 'medtwin.language'

let words: Record<string, string> = en
export let language: Language = 'en'

export async function chooseLanguage(wanted?: Language): Promise<void> {
  if (wanted) localStorage.setItem(KEPT, wanted)
  const asked = [localStorage.getItem(KEPT), ...navigator.languages].map((tag) => tag?.slice(0, 2))
  language = (asked.find((tag) => tag && tag in LANGUAGES) ?? 'en') as Language
  words = language === 'en' ? en : { ...en, ...(await import('../locales/ar.json')).default }
  document.documentElement.lang = language
  document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? 'rtl' : 'ltr'
}

export function t(key: Key, values?: Record<string, string | number>): string {
  const text = words[key] ?? key
  return values ? String(new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).format(values)) : text
}

export const hasWords = (key: string): boolean => key in en
const known = (key: string): string => (hasWords(key) ? t(key as Key) : key)

export const number = (value: number, digits = 2): string =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)
export const percent = (share: number): string =>
  new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(share)

/** Seconds since 1970, in the reader's zone, which is named. */
export const moment = (seconds: number): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(seconds * 1000)
export const day = (seconds: number): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'long' }).format(seconds * 1000)
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]]

/** How long from now: "3 minutes ago". */
export function ago(seconds: number): string {
  const away = seconds - Date.now() / 1000
  const [unit, size] = STEPS.find(([, step]) => Math.abs(away) >= step) ?? STEPS[3]!
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(away / size), unit)
}

const named = (bits: number, all: Record<string, number>, prefix: string): string =>
  new Intl.ListFormat(language).format(
    Object.entries(all).filter(([, bit]) => bits & bit).map(([name]) => known(`${prefix}.${name}`)),
  )

export const dataWords = (bits: number): string => named(bits, CATEGORY, 'data')
export const purposeWords = (bits: number): string => named(bits, PURPOSE, 'purpose')
export const reasonWords = (reason: string): string => known(`reason.${reason}`)
export const roleWords = (role: string): string => known(`role.${role}`)
export const featureWords = (name: string): string => name.replaceAll('_', ' ')
export const newsWords = (parameter: string): string => known(`news.of.${parameter}`)
export const commandWords = (name: string): string => known(`command.${name}`)
export const emergencyWords = (code: number): string => {
  const name = Object.entries(EMERGENCY_REASON).find(([, one]) => one === code)?.[0]
  return name ? known(`why.${name}`) : String(code)
}
export const kindWords = (kind: string): string => known(`kind.${kind}`)
