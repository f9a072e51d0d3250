/** Something of everything, for whoever looks at the console's pages. */
import type { ConsoleWorld } from './console.ts'
import { until } from './until.ts'
import { testAccount } from './zenospay.ts'

const bank = (accountNumber: string, name: string) => ({ bankCode: '014', accountNumber, name })
const rupiah = (value: string) => ({ value, currency: 'IDR' })

const ended = { success: 'succeeded', fail: 'failed', pending: 'processing' }

export async function seedConsole(world: ConsoleWorld) {
  const { tallyhook, register, reaches, api } = world
  const number = '1234567890'
  const budi = bank(number, 'Budi Santoso')
  const payouts = await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      register({
        reference: `payout-20260512-${String(i + 1).padStart(4, '0')}`,
        amount: rupiah(`${(i + 1) * 125_000}.00`),
        beneficiary: i < 2 ? budi : bank(`98765432${String(i).padStart(2, '0')}`, 'Siti Rahayu'),
      }),
    ),
  )
  for (const [i, { id, reference }] of payouts.entries()) {
    if (i >= 20) continue
    const status = i >= 17 ? 'pending' : i % 6 === 5 ? 'fail' : 'success'
    const amount = `${(i + 1) * 125_000}.00`
    const accountNumber = i < 2 ? number : `98765432${String(i).padStart(2, '0')}`
    const accountName = i < 2 ? 'Budi Santoso' : 'Siti Rahayu'
    await tallyhook.callBack(reference, { status, amount, accountNumber, accountName, bankCode: '014' })
    await reaches(id, { state: ended[status] })
  }
  const held = await world.hold({ reference: 'payout-20260512-0101' })
  const other = await register({ reference: 'payout-20260512-0102', amount: rupiah('4200000.00') })
  await tallyhook.callBack(other.reference, { amount: '42000000.00' })
  await reaches(other.id, { held: true })

  const members = Array.from({ length: 8 }, (_, i) => ({
    reference: `salary-202605-${i + 1}`,
    amount: rupiah('1500000.00'),
    beneficiary: bank(`55500000${String(i).padStart(2, '0')}`, 'Dewi Lestari'),
  }))
  const batch = await api<{ id: string }>('POST', '/batches', {
    account: testAccount.id,
    reference: 'salary-202605',
    name: 'Salaries of May',
    remark: 'Salary',
    transfers: members,
  })
  for (const [i, { reference, beneficiary }] of members.entries()) {
    if (i === 7) continue
    await tallyhook.callBack(reference, {
      status: i < 5 ? 'success' : i === 5 ? 'fail' : 'pending',
      amount: '1500000.00',
      bankCode: '014',
      accountNumber: beneficiary.accountNumber,
      accountName: beneficiary.name,
    })
  }

  const subscribed = await api<{ id: string }>('POST', '/subscriptions', {
    url: 'http://127.0.0.1:1/tallyhook',
    description: 'The ledger',
    types: ['tallyhook.transfer.*'],
  })
  await fetch(`${tallyhook.callbackUrl}${testAccount.callbackPath}`, {
    method: 'POST',
    headers: { 'x-partner-id': testAccount.partnerId, 'x-signature': 'AAAA', 'x-timestamp': '1' },
    body: '{}',
  })
  const find = (path: string, pattern: RegExp) => async () => pattern.exec((await world.page(path)).text)?.[1]
  const receipt = find(`/transfers/${held.id}`, /href="\/ops\/receipts\/(rc-\w+)"/)
  const refused = find('/quarantine', /href="\/ops\/receipts\/(rc-\w+)"/)
  await until('the refused one', async () => (await refused()) !== undefined)
  await until('all of the batch', async () =>
    (await world.page(`/batches/${batch.body.id}`)).text.includes('6 of 8 are final'),
  )
  await register({ reference: 'payout-20260512-0103' })
  await until('an attempt', async () =>
    (await world.page(`/subscriptions/${subscribed.body.id}`)).text.includes('connection-failed'),
  )
  const pause = `/accounts/${testAccount.id}`
  await world.post(`${pause}/pause`, { reason: 'The bank works on its systems tonight.' })
  await world.post(`${pause}/resume`, { reason: 'The bank is back.' })
  await world.post(`${pause}/pause`, { reason: 'Not mine to say.' }, 'viewer-token')
  return {
    number,
    /** Every page by a name. */
    pages: {
      overview: '',
      search: '/search',
      transfer: `/transfers/${held.id}`,
      batch: `/batches/${batch.body.id}`,
      cases: '/cases',
      case: `/cases/${held.case}`,
      subscriptions: '/subscriptions',
      subscription: `/subscriptions/${subscribed.body.id}`,
      accounts: '/accounts',
      account: `/accounts/${testAccount.id}`,
      quarantine: '/quarantine',
      audit: '/audit',
      refused: `/receipts/${await refused()}`,
      receipt: `/receipts/${await receipt()}`,
    },
  }
}
