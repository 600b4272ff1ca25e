/** What every page has: who is here, where one is, what went wrong, and how to draw again. */
import { type TemplateResult, html, nothing, render } from 'lit-html'
import { Denied } from './failures'
import { type Identity, SaidNo, onWallets, signIn } from './identity'
import { ServerSaid, get, post } from './server'
import { Disagreement, Unreachable } from './witnessed'
import { WrongChain, chain } from './chain'
import { type Hex } from './bytes'
import { LANGUAGES, type Key, type Language, chooseLanguage, hasWords, language, reasonWords, roleWords, t, zone } from './words'
import { configured } from './config'

export interface Page {
  title: string
  load(): Promise<void>
  view(): TemplateResult
  /** Looks again by itself when the chain goes on; `always` where something else may change too. */
  live?: boolean | 'always'
  /** Shows how much time is left. */
  ticks?: boolean
}

type Opener = (path: string[]) => Promise<Page>

const SECTIONS: [string, Key][] = [
  ['/patient', 'nav.patient'], ['/research', 'nav.research'], ['/ward', 'nav.ward'], ['/hospital', 'nav.hospital'],
  ['/verify', 'nav.verify'],
]
const NOT_SIGNED_IN = 401
const LOOK_EVERY_MS = 4_000
const SECOND_MS = 1_000
const KEPT_ROLE = 'medtwin.demo'

let openPage: Opener
let page: Page | null = null
let trouble: unknown = null
let busy = false
let said: { text: string; kind: '' | 'good' | 'bad' } = { text: '', kind: '' }
let turn = 0
let me: Identity | null = null
let people: Record<string, { name: string; role: string }> = {}

export const who = (): Identity | null => me
export const isBusy = (): boolean => busy
export const directory = () => people

// -- where one is -----------------------------------------------------------------------------

export async function start(opener: Opener): Promise<void> {
  openPage = opener
  window.addEventListener('popstate', () => void show())
  window.addEventListener('offline', draw)
  window.addEventListener('online', draw)
  onWallets(draw)
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a')
    const ours = link && link.origin === location.origin && !link.download && !link.hash
    if (!ours || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
    event.preventDefault()
    void go(link.pathname)
  })
  await show()
  setInterval(() => void follow(), LOOK_EVERY_MS)
  setInterval(() => page?.ticks && !busy && !document.hidden && draw(), SECOND_MS)
}

let seenBlock = 0n

/** What is on the screen follows the chain; nothing is taken away under somebody's hands. */
async function follow(): Promise<void> {
  if (!page?.live || busy || watching || document.hidden) return
  watching = true
  looking = look(page).finally(() => { watching = false })
  await looking
}

let watching = false
/** An act waits for it, so that what was read before the act is never shown after it. */
let looking: Promise<void> = Promise.resolve()

async function look(shown: Page): Promise<void> {
  try {
    const block = await chain().getBlockNumber()
    const goneOn = block !== seenBlock && seenBlock !== 0n
    seenBlock = block
    if (!goneOn && shown.live !== 'always') return
    await shown.load()
    if (page === shown && !busy) draw()
  } catch (error) {
    if (rootOf(error) instanceof Disagreement && page === shown) {
      trouble = rootOf(error)
      draw()
    }
  }
}

export async function go(path: string): Promise<void> {
  history.pushState(null, '', path)
  said = { text: '', kind: '' }
  await show()
  const heading = document.querySelector<HTMLElement>('main h1')
  heading?.focus()
  window.scrollTo(0, 0)
}

export async function show(): Promise<void> {
  const mine = ++turn
  trouble = null
  page = null
  draw()
  try {
    const opened = await openPage(location.pathname.split('/').filter(Boolean))
    if (opened.live) seenBlock = await chain().getBlockNumber() // before it is read: what happens meanwhile is looked at again
    await opened.load()
    if (mine !== turn) return // another page was asked for meanwhile
    page = opened
    document.title = `${opened.title} - Medtwin`
  } catch (error) {
    if (mine === turn) trouble = rootOf(error)
  }
  if (mine === turn) draw()
}

// -- who is here ------------------------------------------------------------------------------

export async function become(identity: Identity, role?: string): Promise<void> {
  await signIn(identity)
  me = identity
  people = await get('/api/people')
  if (role) sessionStorage.setItem(KEPT_ROLE, role)
}

export const keptRole = (): string | null => sessionStorage.getItem(KEPT_ROLE)

export async function leave(reason?: string): Promise<void> {
  me = null
  people = {}
  sessionStorage.removeItem(KEPT_ROLE)
  await post('/api/session/end', {})
  await go('/')
  if (reason) tell(reason, 'bad')
}

/** A name where the hospital knows one; else the contract it is, or a short address. Always isolated from what is around. */
export function nameOf(account: Hex): TemplateResult {
  const person = people[account]
  if (person) return html`<bdi>${person.name}</bdi>${person.role ? html` <span class="soft">${roleWords(person.role)}</span>` : nothing}`
  const contract = Object.entries(configured().contracts).find(([, address]) => address === account)?.[0]
  if (contract) return html`<bdi>${roleWords(contract)}</bdi>`
  if (account === me?.address) return html`${t('you')}`
  return html`<bdi class="mono" title=${account}>${account.slice(0, 6)}…${account.slice(-4)}</bdi>`
}

/** The same for places that take text alone. */
export function nameText(account: Hex): string {
  const person = people[account]
  return person ? `\u2068${person.name}\u2069 (${roleWords(person.role)})` : `${account.slice(0, 6)}…${account.slice(-4)}`
}

// -- doing things -----------------------------------------------------------------------------

/** Runs what a button asks for: one at a time, and whatever fails is said in words. */
export function act(work: () => Promise<string | void>): () => Promise<void> {
  return async () => {
    if (busy) return
    busy = true
    said = { text: '', kind: '' }
    draw()
    await looking
    try {
      said = { text: (await work()) ?? '', kind: 'good' }
    } catch (error) {
      if (error instanceof ServerSaid && error.status === NOT_SIGNED_IN) me = null
      said = { text: sentenceOf(error), kind: 'bad' }
    }
    busy = false
    draw()
  }
}

export function tell(text: string, kind: '' | 'good' | 'bad'): void {
  said = { text, kind }
  draw()
}

/** The error itself, or the one of ours that a library wrapped. */
function rootOf(error: unknown): unknown {
  const ours = [Disagreement, Unreachable, SaidNo]
  for (let cause: any = error; cause; cause = cause.cause) {
    if (ours.some((kind) => cause instanceof kind)) return cause
  }
  return error
}

/** What a contract refused, in words, whether the server or this browser's own try heard it. */
function refusalOf(error: unknown): string | null {
  for (let cause: any = error; cause; cause = cause.cause) {
    const name = cause.kind ?? cause.data?.errorName
    if (name && hasWords(`revert.${name}`)) return t(`revert.${name}` as Key)
  }
  return null
}

function sentenceOf(wrapped: unknown): string {
  const error = rootOf(wrapped)
  if (error instanceof SaidNo) return t('error.said_no')
  if (error instanceof Disagreement) return t('error.disagreement')
  if (error instanceof WrongChain) return t('error.wrong_chain')
  if (error instanceof Unreachable) return t('error.unreachable')
  if (error instanceof Denied) {
    const [reason = ''] = Object.values(error.reasons)
    return t('error.denied', { reason: reasonWords(reason) })
  }
  const refused = refusalOf(wrapped)
  if (refused) return refused
  if (error instanceof ServerSaid) return error.status === NOT_SIGNED_IN && !me ? t('error.session') : error.message
  const message = error instanceof Error ? error.message.split('\n')[0]! : String(error)
  return t('error.other', { what: message.slice(0, 200) })
}

// -- drawing ----------------------------------------------------------------------------------

export function draw(): void {
  render(shell(), document.getElementById('app')!)
}

function shell(): TemplateResult {
  const path = location.pathname
  return html`
    <a class="skip" href="#main">${t('skip')}</a>
    <header>
      <a class="brand" href="/"><img src="/icon.svg" alt="">Medtwin</a>
      <nav aria-label=${t('nav.label')}>
        ${SECTIONS.map(([to, key]) => html`<a href=${to} aria-current=${path.startsWith(to) ? 'page' : nothing}>${t(key)}</a>`)}
      </nav>
      <span class="row">
        ${me
          ? html`<span class="soft">${t('signed_in_as')} ${nameOf(me.address)}${me.kind === 'demo' ? html` <span class="mark warn">${t('demo.mark')}</span>` : nothing}</span>
              <button @click=${act(() => leave())}>${t('sign_out')}</button>`
          : nothing}
        <select aria-label=${t('language')} @change=${changeLanguage}>
          ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language}>${name}</option>`)}
        </select>
      </span>
    </header>
    <main id="main">
      ${configured().demo ? html`<p class="soft" data-demonstration>${t('demo.data')}</p>` : nothing}
      ${navigator.onLine ? nothing : html`<div class="notice warn">${t('offline')}</div>`}
      <div role="status" aria-live="polite">
        ${busy ? html`<div class="notice">${t('working')}</div>` : said.text ? html`<div class="notice ${said.kind}" data-said=${said.kind}>${said.text}</div>` : nothing}
      </div>
      ${trouble ? failed() : page ? html`<h1 tabindex="-1">${page.title}</h1>${page.view()}` : html`<h1 class="loading" tabindex="-1">${t('loading')}</h1>`}
    </main>
    <footer>
      <p>${t('not_a_device')}</p>
      <p>${t('times', { zone: zone() })} ${configured().witnesses.length ? t('witnessed', { count: configured().witnesses.length }) : t('unwitnessed')}</p>
    </footer>
  `
}

function failed(): TemplateResult {
  const lie = trouble instanceof Disagreement
  return html`<h1 tabindex="-1">${lie ? t('lie.title') : t('failed')}</h1>
    <div class="notice bad" role="alert" data-trouble=${lie ? 'lie' : 'failed'}>
      <p>${sentenceOf(trouble)}</p>
      <button @click=${() => show()}>${t('again')}</button>
    </div>`
}

async function changeLanguage(event: Event): Promise<void> {
  await chooseLanguage((event.target as HTMLSelectElement).value as Language)
  await show()
}
