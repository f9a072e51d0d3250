/** The alert rules, the dashboard and the documents speak of the figures that there are. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createProcessFigures } from '../../src/telemetry/process-figures.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; runbook: string }
}
interface Panel {
  id: number
  title: string
  targets?: { expr: string }[]
  gridPos: { x: number; y: number; w: number; h: number }
}

const { groups } = parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('deploy/grafana/dashboards/tallyhook.json')) as {
  uid: string
  panels: Panel[]
}
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

function namesIn(expressions: readonly string[]): Set<string> {
  const names = expressions.flatMap((one) => one.match(/\b(tallyhook|nodejs|process)_[a-z0-9_]+/g) ?? [])
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

/** As /metrics of a listener declares them, with their labels. */
async function rendered(): Promise<{ all: Set<string>; ours: string[] }> {
  const metrics = createMetrics({
    read: async () => [],
    readSubscriptions: async () => [],
    readBacklog: async () => ({
      queues: [],
      parked: [],
      ready: 0,
      quarantined: [],
      casesOpen: [],
      traffic: [],
    }),
    process: {
      role: 'all',
      version: '0',
      figures: createProcessFigures(),
      redis: { state: () => ({ state: 'ok' }), memory: () => undefined },
    },
    durationBoundsMs: [1],
    onFailure: assert.fail,
  })
  const all = new Set([...(await metrics.render()).matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name))
  return { all, ours: [...all].filter((name) => name.startsWith('tallyhook_')).sort() }
}

describe('the alert rules and the dashboard', () => {
  it('use figures that there are', async () => {
    const { all } = await rendered()
    const used = namesIn([...rules.map(({ expr }) => expr), ...shown])
    assert.ok(used.size > 20)
    assert.deepEqual(
      [...used].filter((name) => !all.has(name)),
      [],
    )
  })

  it('leave out none of ours', async () => {
    const used = namesIn([...rules.map(({ expr }) => expr), ...shown])
    assert.deepEqual(
      (await rendered()).ours.filter((name) => !used.has(name)),
      [],
    )
  })

  it('never add up over processes what is shared', () => {
    const shared =
      /tallyhook_(pending|overdue|queue_|receipts_parked|receipts_ready|cases_open|quarantined|key_|refusals_|deliveries_|delivery_|subscription_|provider_|submissions_)/g
    for (const expr of [...rules.map((rule) => rule.expr), ...shown]) {
      for (const { index } of expr.matchAll(shared)) {
        const before = expr.slice(0, index)
        const aggregation = [...before.matchAll(/\b(sum|max|count|min)\b( by \([^)]*\))?\s*\(/g)].at(-1)
        assert.ok(aggregation?.[1] === 'max' || /instance/.test(aggregation?.[2] ?? ''), expr)
      }
    }
  })

  it('are told apart, and each alert has a severity, a sentence and its part of the runbook', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
    for (const { alert, labels, annotations } of rules) {
      assert.match(alert, /^Tallyhook[A-Z]/)
      assert.ok(['page', 'ticket', 'info'].includes(labels.severity), alert)
      assert.match(annotations.summary, /\.$/, alert)
      const [page = '', part = ''] = annotations.runbook.split('#')
      assert.ok(existsSync(new URL(page, root)), annotations.runbook)
      assert.ok(headingsOf(read(page)).includes(part), annotations.runbook)
    }
  })

  it('lay the panels side by side, none on another', () => {
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), title)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })

  it('docs/metrics.md describes each of ours, and no other', async () => {
    const described = [...read('docs/metrics.md').matchAll(/^\| (`tallyhook_.*?) \|/gm)].flatMap(
      ([, names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    )
    assert.deepEqual(described.sort(), (await rendered()).ours)
  })
})

/** As a page on GitHub names its parts. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

describe('the profile `monitoring` of docker-compose.yml', () => {
  interface Service {
    profiles?: string[]
    ports?: string[]
    volumes?: string[]
    environment?: Record<string, string>
    command?: string[]
  }
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, Service>
  }

  it('is only there where it is asked for, and only for this machine', () => {
    for (const name of ['prometheus', 'grafana']) {
      assert.deepEqual(services[name]?.profiles, ['monitoring'])
      for (const port of services[name]?.ports ?? assert.fail()) assert.match(port, /^127\.0\.0\.1:/)
    }
  })

  it('mounts files that there are', () => {
    for (const name of ['prometheus', 'grafana']) {
      const mounted = (services[name]?.volumes ?? []).filter((volume) => volume.startsWith('./'))
      assert.ok(mounted.length > 0)
      for (const volume of mounted) assert.ok(existsSync(new URL(volume.split(':')[0] ?? '', root)), volume)
    }
  })

  it('looks for each role where its figures are', () => {
    const { scrape_configs } = parse(read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[]
    }
    const places = scrape_configs.map(({ dns_sd_configs: [place] }) => place)
    assert.deepEqual(
      places.map((place) => [place?.names[0], place?.port]),
      [
        ['serve', Number(services.serve?.environment?.API_PORT)],
        ['work', Number(services.work?.environment?.METRICS_PORT)],
      ],
    )
    for (const { job_name } of scrape_configs) assert.match(job_name, /^tallyhook-/)
  })

  it('shows the dashboard from the source that is provisioned', () => {
    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml'))
    assert.equal(datasources[0].url, 'http://prometheus:9090')
    const { providers } = parse(read('deploy/grafana/provisioning/dashboards/tallyhook.yml'))
    const { path } = providers[0].options
    assert.ok(services.grafana?.volumes?.includes(`./deploy/grafana/dashboards:${path}:ro`))
  })
})
