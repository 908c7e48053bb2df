import { createHash } from 'node:crypto'
import { landingStyle } from './landing-style.ts'
import { platformOf, platforms } from './platforms.ts'

export interface LandingFacts {
  /** `https://pixelgate.local:8443`, for each name of the certificate; the first one is the link. */
  readonly urls: readonly string[]
  /** Of what is to be trusted, `AB:CD:…`. */
  readonly fingerprint: string
  /** undefined: the certificate comes from somewhere else, and there is nothing to install. */
  readonly authority: { readonly file: string; readonly isConstrained: boolean } | undefined
  readonly agent: string
}

export const styleHash = `'sha256-${createHash('sha256').update(landingStyle).digest('base64')}'`

/** A page of plain HTML that explains how to trust the gateway's certificate. */
export function landingPage({ urls, fingerprint, authority, agent }: LandingFacts): string {
  const [url = ''] = urls
  const body =
    authority === undefined
      ? `<p>The panel and the API are at an encrypted address.</p>${button(url)}${otherAddresses(urls)}`
      : `<p>The panel of this gateway is encrypted. Your browser does not know who vouches for it yet, so it shows a warning. Trust the gateway once on each device, and the warning is gone.</p>
${picture}
${button(url)}
${otherAddresses(urls)}
<h2>Is it the right one?</h2>
<p>This page itself is not encrypted, so compare this fingerprint (SHA-256) before you trust anything:</p>
<p class="print"><code>${grouped(fingerprint)}</code></p>
<p>On the gateway, this shows the same: <code>sudo openssl x509 -noout -fingerprint -sha256 -in ${text(authority.file)}</code></p>
<p>${
          authority.isConstrained
            ? 'The certificate can vouch for this gateway and for addresses of private networks alone, and for no other site.'
            : 'The certificate is older than its limits to this gateway: whoever has its key could vouch for other sites as well. The documentation says how to make another one.'
        }</p>
<h2>Trust it on this device</h2>
${platforms.map(platform => details(platform, platformOf(agent) === platform.id)).join('\n')}
<h2>Continue without</h2>
<p>You may open <a href="${text(url)}/">the panel</a> and click the warning away. Then:</p>
<ul>
<li>the browser asks again, and you get used to warnings that are meant seriously elsewhere;</li>
<li>you would not notice somebody in this network who pretends to be the gateway and reads your password;</li>
<li>live values may be missing: Safari opens no WebSocket to a server that it does not trust;</li>
<li>the panel cannot be installed as an app, and scripts, curl and MQTT programs refuse the connection until they are given <a href="/ca.pem">the certificate</a>.</li>
</ul>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pixelgate</title>
<style>${landingStyle}</style>
</head>
<body>
<main>
<h1>${mark}pixelgate</h1>
${body}
</main>
</body>
</html>
`
}

const button = (url: string): string => `<p><a class="button" href="${text(url)}/">Open the panel</a></p>`

const otherAddresses = (urls: readonly string[]): string =>
  urls.length < 2
    ? ''
    : `<details><summary>Other addresses</summary><ul>${urls.map(url => `<li><a href="${text(url)}/">${text(url)}</a></li>`).join('')}</ul></details>`

function details({ id, name, steps, note }: (typeof platforms)[number], isOpen: boolean): string {
  const list = steps.map(step => `<li>${step}</li>`).join('\n')
  const more = note === undefined ? '' : `\n<p class="note">${note}</p>`
  return `<details id="${id}"${isOpen ? ' open' : ''}><summary>${name}</summary>
<ol>
${list}
</ol>${more}
</details>`
}

/** Four rows of eight bytes, as a person compares them. */
const grouped = (fingerprint: string): string =>
  (fingerprint.match(/(?:[0-9A-F]{2}:?){1,8}/g) ?? []).map(row => row.replace(/:$/, '')).join('<br>')

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const text = (value: string): string => value.replace(/[&<>"]/g, found => entities[found] ?? found)

const dots = ['#e5484d', '#f5a524', '#30a46c', '#3e63dd']
const mark = `<svg class="mark" viewBox="0 0 20 20" aria-hidden="true">${dots
  .map(
    (fill, at) =>
      `<rect x="${(at % 2) * 10 + 1}" y="${at < 2 ? 1 : 11}" width="8" height="8" rx="2" fill="${fill}"/>`,
  )
  .join('')}</svg>`

/** A phone, a lock on the line, and the gateway. */
const picture = `<svg class="picture" viewBox="0 0 320 90" role="img" aria-label="A phone talks to the gateway over an encrypted line">
<rect x="14" y="12" width="40" height="66" rx="6" class="outline"/><path d="M28 71h12" class="outline"/>
<path d="M62 45h60M198 45h60" class="line"/>
<rect x="142" y="40" width="36" height="28" rx="5" class="lock"/><path d="M149 40v-9a11 11 0 0 1 22 0v9" class="shackle"/>
<rect x="264" y="24" width="44" height="42" rx="5" class="outline"/>
${dots.map((fill, at) => `<rect x="${274 + (at % 2) * 14}" y="${33 + (at < 2 ? 0 : 14)}" width="10" height="10" rx="2" fill="${fill}"/>`).join('')}
</svg>`
