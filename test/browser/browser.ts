import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { adminToken } from '../admin/admin-calls.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** How people see the page. */
export const screens: [string, BrowserContextOptions][] = [
  ['in light, 1280 pixels wide', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
  ['in dark, 390 pixels wide', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
]

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page that notes whatever a careful person would see in the developer tools. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  await context.exposeBinding('noteViolation', (_, text: string) => void complaints.push(`CSP: ${text}`))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      ;(window as unknown as { noteViolation(text: string): void }).noteViolation(
        `${event.violatedDirective} ${event.blockedURI}`,
      )
    })
  })
  return { page, context, complaints }
}

export async function signIn(page: Page, url: string, token = adminToken): Promise<void> {
  await page.goto(url)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
}

/** Expects that axe-core finds nothing serious on what is shown now. @param what is shown, for the failure. */
export async function expectAccessible(page: Page, what?: string): Promise<void> {
  // Evaluated by the debugger and not by a script tag, which the page's policy would refuse.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }
    return (await axe.run()).violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  })
  expect(found, what).toEqual([])
}

interface AxeViolation {
  id: string
  impact: string | null
  nodes: { html: string }[]
}

/** The server does what is asked, and the answer gets lost. */
export async function loseAnswers(page: Page, path: RegExp, times = 1, method = 'POST') {
  const lost: number[] = []
  let left = times
  await page.route(path, async (route) => {
    if (route.request().method() !== method || left === 0) return route.continue()
    left--
    lost.push((await route.fetch()).status())
    return route.abort('connectionreset')
  })
  return lost
}
