/** A report's strongest reasons in a patient's words, from the templates that the command has too (oracle/artifacts/words). */
import { type Part, type Why, strongest } from './explanations'
import { language } from './words'

type Templates = Record<string, string>

const SHOWN = 3
const LOADERS: Record<typeof language, () => Promise<{ default: Templates }>> = {
  en: () => import('../../../../artifacts/words/en.json'),
  ar: () => import('../../../../artifacts/words/ar.json'),
}

export async function inPlainWords(why: Why): Promise<string[]> {
  const { default: say } = await LOADERS[language]()
  if (why.reason) return [say['none.patient']!]
  const told = strongest(why).slice(0, SHOWN).map((part) => sentence(part, say))
  return told.length ? [...new Set(told)] : [say.nothing!]
}

function sentence({ feature, value, contribution }: Part, say: Templates): string {
  const template = say[`part.patient${value === null ? '.missing' : ''}.${contribution > 0 ? 'up' : 'down'}`]!
  const told = template.replace('{feature}', featureIn(feature, say))
  return told.charAt(0).toUpperCase() + told.slice(1)
}

/** Its own words, those of how its name begins, or that it is one more thing. */
function featureIn(feature: string, say: Templates): string {
  const key = `feature.${feature}`
  const begins = Object.keys(say).filter((one) => key.startsWith(`${one} `) || key.startsWith(`${one},`))
  return say[key] ?? say[begins.sort((one, other) => other.length - one.length)[0] ?? 'feature.other']!
}
