/** Moves one settled intent to the store's archive, as the sweep does in its time. */
import assert from 'node:assert/strict'
import type { IntentId } from '../../src/domain/ids.ts'
import { toIntentLine } from '../../src/store/codec/kept-intent.ts'
import { createLeaving } from '../../src/store/leaving.ts'
import type { TestStore } from './store.ts'

export async function leave(store: TestStore, id: IntentId): Promise<void> {
  const leaving = createLeaving(store)
  const [standing] = await leaving.read([id])
  assert.ok(standing, 'It is settled.')
  const [place = ''] = await store.archive.append([toIntentLine(standing)])
  assert.deepEqual(await leaving.leave([{ standing, place, receipts: new Map() }]), [true])
}
