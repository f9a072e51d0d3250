/** The manifests, as far as they can be checked without a cluster: against each other, and against what the program reads. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { roles } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/config.ts'
import { environmentSchema } from '../../src/config/environment.ts'

const folder = new URL('../../deploy/kubernetes/', import.meta.url)

interface Port {
  name: string
  containerPort: number
}
interface Probe {
  httpGet: { path: string; port: string }
}
interface Container {
  args: string[]
  env: { name: string; value: string }[]
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[]
  ports: Port[]
  startupProbe: Probe
  readinessProbe: Probe
  livenessProbe: Probe
  resources: { requests: object; limits: { memory: string } }
  securityContext: Record<string, unknown>
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[]
}
interface PodSpec {
  securityContext: Record<string, unknown>
  automountServiceAccountToken: boolean
  terminationGracePeriodSeconds: number
  containers: [Container]
  volumes: {
    name: string
    projected?: { sources: { secret?: { items: { path: string }[] } }[] }
    persistentVolumeClaim?: { claimName: string }
  }[]
}
// biome-ignore lint/suspicious/noExplicitAny: a manifest is whatever its kind says; each test looks at what it needs.
type Manifest = { apiVersion: string; kind: string; metadata: any; spec: any; data: any }

const manifests = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) =>
    parseAllDocuments(readFileSync(new URL(name, folder), 'utf8')).map((document) => {
      assert.deepEqual(document.errors, [], name)
      return document.toJS() as Manifest
    }),
  )
const ofKind = (kind: string) => manifests.filter((one) => one.kind === kind)
const named = (kind: string, name: string) =>
  ofKind(kind).find(({ metadata }) => metadata.name === name) ?? assert.fail(`${kind} ${name}`)
const deployments = ofKind('Deployment').map(({ metadata, spec }) => {
  const pod = spec.template.spec as PodSpec
  return { name: metadata.name as string, spec, pod, container: pod.containers[0] }
})

describe('the Kubernetes manifests', () => {
  it('are in their namespace', () => {
    for (const { kind, metadata } of manifests) {
      if (kind !== 'Namespace') assert.equal(metadata.namespace, 'tallyhook', metadata.name)
    }
    assert.equal(
      named('Namespace', 'tallyhook').metadata.labels['pod-security.kubernetes.io/enforce'],
      'restricted',
    )
  })

  it('run serve and work, twice each, and never take the last one away', () => {
    assert.deepEqual(
      deployments.map(({ container }) => container.args),
      [['serve'], ['work']],
    )
    for (const { name, spec, container } of deployments) {
      assert.ok(roles.some((role) => role === container.args[0]))
      assert.ok(spec.replicas >= 2)
      assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels)
      const budget = named('PodDisruptionBudget', name)
      assert.equal(budget.spec.minAvailable, 1)
      assert.deepEqual(budget.spec.selector.matchLabels, spec.selector.matchLabels)
    }
  })

  it('run without root, rights or a file system to write', () => {
    for (const { pod, container } of deployments) {
      assert.equal(pod.securityContext.runAsNonRoot, true)
      assert.equal(pod.automountServiceAccountToken, false)
      assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' })
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
      })
      assert.ok(container.resources.limits.memory)
      for (const { name } of container.volumeMounts)
        assert.ok(
          pod.volumes.some((volume) => volume.name === name),
          name,
        )
    }
  })

  it('set variables that the program reads, and give each port the number that it is told', () => {
    const known = Object.keys(environmentSchema.shape)
    const shared = named('ConfigMap', 'tallyhook-environment').data as Record<string, string>
    for (const { container } of deployments) {
      const own = Object.fromEntries(container.env.map(({ name, value }) => [name, value]))
      for (const name of [...Object.keys(own), ...Object.keys(shared)]) assert.ok(known.includes(name), name)
      for (const { name, containerPort } of container.ports)
        assert.equal(
          own[`${name === 'callbacks' ? 'CALLBACK' : name.toUpperCase()}_PORT`],
          String(containerPort),
        )
    }
    assert.equal(shared.HOST, '0.0.0.0')
  })

  it('ask a port that there is whether it lives and is ready, and leave time to finish', () => {
    for (const { pod, container } of deployments) {
      const { startupProbe, readinessProbe, livenessProbe } = container
      assert.equal(readinessProbe.httpGet.path, '/readyz')
      assert.equal(livenessProbe.httpGet.path, '/healthz')
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe])
        assert.ok(container.ports.some(({ name }) => name === httpGet.port && name !== 'callbacks'))
      assert.ok(pod.terminationGracePeriodSeconds >= 20)
    }
  })

  it('lead services and network policies to ports that there are, and keep the callback port apart', () => {
    const ports = deployments.flatMap(({ container }) => container.ports.map(({ name }) => name))
    for (const { spec } of ofKind('Service')) {
      assert.equal(spec.ports.length, 1, 'no service has the private port beside the public one')
      for (const { targetPort } of spec.ports) assert.ok(ports.includes(targetPort))
    }
    const policies = ofKind('NetworkPolicy')
    const inward = policies.flatMap(({ spec }) => spec.ingress ?? [])
    assert.deepEqual(
      inward.flatMap((rule) => rule.ports.map(({ port }: { port: string }) => port)).sort(),
      ports.toSorted(),
    )
    for (const rule of inward) assert.ok(rule.from.length > 0)
    const { spec } = named('NetworkPolicy', 'nobody')
    assert.deepEqual(spec, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })

  it('have a configuration that the program takes, with the keys where it looks for them', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const home = mkdtempSync(join(tmpdir(), 'tallyhook-kubernetes-'))
    try {
      const projected = deployments[0]?.pod.volumes.find(({ name }) => name === 'config')?.projected
      const keys = projected?.sources.flatMap(({ secret }) => secret?.items ?? []) ?? []
      mkdirSync(join(home, 'keys'))
      for (const { path } of keys) {
        const pem = path.endsWith('.pub.pem')
          ? publicKey.export({ type: 'spki', format: 'pem' })
          : privateKey.export({ type: 'pkcs8', format: 'pem' })
        writeFileSync(join(home, path), pem)
      }
      const text: string = named('ConfigMap', 'tallyhook').data['tallyhook.yaml']
      const file = join(home, 'tallyhook.yaml')
      writeFileSync(file, text.replaceAll('<hex>', 'ab'.repeat(32)))
      const shared = named('ConfigMap', 'tallyhook-environment').data as Record<string, string>
      const secret = () => randomBytes(32).toString('base64')
      const env = { ...shared, TALLYHOOK_SEAL_KEY: secret(), TALLYHOOK_INDEX_KEY: secret() }
      const config = loadConfig({ ...env, TALLYHOOK_CONFIG: file, REDIS_URL: 'rediss://redis:6379' }, false)
      const archive = deployments[0]?.container.volumeMounts.find(({ name }) => name === 'archive')
      assert.equal(config.archive.dir, archive?.mountPath)
      assert.equal(config.callbacks.trustedProxies, 1)
      named('PersistentVolumeClaim', 'tallyhook-archive')
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  })
})
