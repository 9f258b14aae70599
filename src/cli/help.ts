import { ruleUsage } from './key-flags.ts'

/** What `writekey --help` prints. */
export const helpText = `writekey: write keys for your event ingest

  writekey serve      [--port N] [--host ADDRESS] [--default-rate-limit-eps N] [--demo]
  writekey create     --name NAME --source-type web|mobile|server|other [--environment E] [RULES]
  writekey list       [--status active|paused|revoked] [--source-type T] [--environment E] [--workspace W] [--plan P]
                      [--q TEXT] [--sort [-]created_at|name|environment|source_type|last_event_at|events_24h|rejected_24h]
                      [--all] [--limit N] [--cursor C]
  writekey show       ID
  writekey import     [--format ndjson|csv] [--dry-run]   < keys.ndjson
  writekey find       --secret-stdin                   < secret
  writekey update     ID [--name NAME] [--source-type T] [RULES] [--if-version N]
  writekey rotate     ID [--grace-period-hours N]      (default 24; 0 ends the old secret now)
  writekey pause      ID                               (refused with 429 until it is resumed)
  writekey resume     ID
  writekey enforce-trial ID                            (what --trial says counts from now on)
  writekey drop-trial ID
  writekey revoke     ID [--yes]                       (final; or --secret-stdin --yes < secret)
  writekey delete     ID [--yes]
  writekey usage      ID [--window 24h] [--zone Z]     (1h to 720h, 1d to 30d)
  writekey tail       [--refused] [--key ID] [--api URL --token T]   (decisions of all processes, as they fall)
  writekey audit      [--key ID] [--workspace W] [--limit N] [--cursor C]
  writekey check      [--type T] [--name EVENT] [--origin O] [--address IP]   < secret
  writekey pattern                                     (finds leaked secrets, for scanners)
  writekey migrate    [--finish] [--dry-run]           (--finish shuts out processes of older versions;
                                                       --dry-run prints the SQL and runs none)

RULES     ${wrap(ruleUsage()).join('\n          ')}
          null takes a rule away; --allowed-origins '' admits no browser.
ALWAYS    --store URL   sqlite:PATH, postgres://…, mysql://… (or WRITEKEY_STORE; default sqlite:.data/writekey.db)
          --schema NAME --table-prefix PREFIX   of the tables (or WRITEKEY_SCHEMA, WRITEKEY_TABLE_PREFIX)
          --json        for programs
          --help  --version

Secrets are printed once, to standard output, and read from standard input; never give one as an argument.
Environment: WRITEKEY_STORE WRITEKEY_ENVIRONMENT WRITEKEY_KEY_PREFIX WRITEKEY_PEPPER WRITEKEY_EVENT_TYPES
WRITEKEY_IMPORTED_KEYS WRITEKEY_DEFAULT_RATE_LIMIT_EPS WRITEKEY_PLANS WRITEKEY_DEFAULT_PLAN WRITEKEY_MAX_KEYS_PER_WORKSPACE,
WRITEKEY_TOKEN (for --api), and for serve PORT HOST WRITEKEY_ADMIN_TOKEN WRITEKEY_CREDENTIALS WRITEKEY_TRUSTED_PROXIES.
Exit codes: 0 done, 1 refused, 2 wrong command line or value, 3 store or port not reachable.
`

/** Lines of at most 100 characters. */
function wrap(parts: readonly string[]): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)}  ${part}`
    if (lines.length === 0 || longer.length > 100) lines.push(part)
    else lines[lines.length - 1] = longer
  }
  return lines
}
