/** Second-level labels under which most country-code domains sell names (`co.uk`, `com.au`, `ac.jp`). */
const commonSecondLevels = words('ac co com edu gov mil net org')

/** Further ones, by country code. Only where general: `web.de` and `id.me` are somebody's own sites. */
const secondLevelsByCountry: Readonly<Record<string, string>> = {
  ar: 'gob int tur',
  at: 'gv or',
  au: 'asn id',
  br: 'adv app art blog dev eco eng ind inf log med srv tur tv',
  cl: 'gob',
  es: 'gob nom',
  fr: 'asso gouv nom prd tm',
  hk: 'idv',
  id: 'biz desa go my or sch web',
  il: 'idf k12 muni',
  in: 'firm gen ind nic res',
  jp: 'ad ed go gr lg ne or',
  ke: 'go info me mobi ne or sc',
  kr: 'go ne or pe re',
  mx: 'gob',
  nz: 'geek gen govt iwi kiwi maori school',
  pe: 'gob nom',
  pl: 'biz info waw',
  th: 'go in mi or',
  tr: 'bel biz gen info k12 pol web',
  tw: 'club ebiz game idv',
  ua: 'in kiev kyiv lviv',
  uk: 'ltd me mod nhs plc police sch',
  uy: 'gub',
  za: 'law nom web',
}

/** Domains under which anybody can get a name: registries of names in `com` and the like, and hosting services. */
const sharedDomains = words(`
  ae.org br.com cn.com co.com de.com eu.com eu.org gb.net gr.com hu.net in.net jp.net jpn.com ru.com sa.com se.net
  uk.com uk.net us.com us.org za.com
  appspot.com azurefd.net azureedge.net azurewebsites.net b-cdn.net bitbucket.io blogspot.com bolt.host bubbleapps.io
  carrd.co cloudfront.net cloudfunctions.net csb.app deno.dev deno.net duckdns.org dyndns.org edgeone.app expo.app
  fastly.net firebaseapp.com fly.dev framer.app framer.website gitbook.io github.dev github.io githubpreview.dev gitlab.io
  glitch.me herokuapp.com hf.space hosted.app kinsta.app loca.lt lovable.app lovableproject.com myshopify.com
  netlify.app ngrok-free.app ngrok-free.dev ngrok.app ngrok.dev ngrok.io no-ip.org notion.site now.sh ondigitalocean.app
  onrender.com pages.dev pantheonsite.io platformsh.site pythonanywhere.com r2.dev railway.app readthedocs.io repl.co
  replit.app replit.dev sharepoint.com shopifypreview.com stackblitz.io streamlit.app surge.sh translate.goog
  trycloudflare.com up.railway.app vercel.app vercel.dev web.app webcontainer.io webflow.io weebly.com wixsite.com
  wixstudio.com wordpress.com workers.dev wpengine.com zeabur.app
`)

/** Hosting services that put regions or products between themselves and the customer: no name below them is safe to span. */
const sharedTrees = [
  'amazonaws.com',
  'amazonaws.com.cn',
  'amplifyapp.com',
  'azurecontainerapps.io',
  'azurestaticapps.net',
  'cloudapp.azure.com',
  'cloudapp.net',
  'cloudworkstations.dev',
  'core.windows.net',
  'digitaloceanspaces.com',
  'elasticbeanstalk.com',
  'on.aws',
  'run.app',
]

/**
 * Whether unrelated parties get names directly below this host, so that a wildcard on it would let them all in. Expects a
 * lower-case ASCII host name. A guard rail against common slips, not the Public Suffix List: it knows single labels, the usual
 * second levels of country codes and well-known hosting services.
 */
export function isPublicSuffix(host: string): boolean {
  const labels = host.split('.')
  const [secondLevel = '', country = ''] = labels
  if (labels.length === 1 || sharedDomains().has(host)) return true
  if (labels.length === 2 && country.length === 2) {
    if (commonSecondLevels().has(secondLevel) || furtherSecondLevels(country).includes(secondLevel))
      return true
  }
  return sharedTrees.some((tree) => host === tree || host.endsWith(`.${tree}`))
}

function furtherSecondLevels(country: string): readonly string[] {
  return Object.hasOwn(secondLevelsByCountry, country)
    ? (secondLevelsByCountry[country] as string).split(' ')
    : []
}

/** A set of the words, made when first asked for: only wildcards ask, and each import would wait for it. */
function words(text: string): () => ReadonlySet<string> {
  let set: ReadonlySet<string> | undefined
  return () => {
    set ??= new Set(text.trim().split(/\s+/))
    return set
  }
}
