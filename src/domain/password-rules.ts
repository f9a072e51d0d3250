/** What a password of an operator has to be. Length does most of it; the rest is what is tried first. */
export const passwordMin = 12
/** More says nothing more, and has to be hashed all the same. */
const passwordMax = 256

/** Long enough, and on every list. As they are compared: without case, digits at the end and signs. */
const common = new Set(
  `passwordpassword password administrator administratorpassword adminadminadmin adminpassword changeme changemeplease changemenow
letmein letmeinletmein letmeinplease welcome welcomewelcome welcometothejungle qwertyuiop qwertyqwerty qwertyuiopasdf qwertyuiopasdfghjkl asdfghjkl
asdfghjklqwertyuiop zxcvbnmasdfghjkl iloveyou iloveyouforever iloveyousomuch tallyhook tallyhooktallyhook tallyhookadmin operator operatoroperator
correcthorsebatterystaple trustno monkeymonkey dragondragon footballfootball baseballbaseball sunshine sunshinesunshine princessprincess supersecret
supersecretpassword secretpassword mysecretpassword mypassword thisismypassword defaultpassword temporary temporarypassword rootroot rootpassword
passphrase abcdefghijkl abcdefghijklm abcdefghijklmnop abcabcabcabc testtest testtesttest testpassword`.split(
    /\s+/,
  ),
)

const meant: Record<string, string> = { '@': 'a', 0: 'o', 1: 'l', 3: 'e', $: 's', 5: 's' }

/** A sentence that says what is wrong; undefined where nothing is. */
export function findPasswordFault(password: string, name: string): string | undefined {
  const length = [...password].length
  if (length < passwordMin) return `It must have at least ${passwordMin} characters.`
  if (length > passwordMax) return `It must have at most ${passwordMax} characters.`
  const plain = password.toLowerCase()
  if (plain.includes(name.toLowerCase())) return 'It must not hold the name.'
  const lettersOf = (text: string) => text.replace(/[^\p{L}]/gu, '')
  const spelled = plain.replace(/[^\p{L}]+$/u, '').replace(/[@013$5]/g, (sign) => meant[sign] ?? sign)
  const isCommon = [plain, spelled].some((text) => common.has(lettersOf(text)))
  if (new Set(plain).size < 5 || isRun(plain) || isCommon) return 'It is too common.'
  return undefined
}

/** Digits alone are counted through in minutes; each letter behind the one before is a row of keys or the alphabet. */
function isRun(plain: string): boolean {
  return /^\d+$/.test(plain) || [...plain].every((letter, i, all) => i === 0 || follows(all[i - 1], letter))
}

function follows(before: string | undefined, letter: string): boolean {
  return Math.abs((before?.codePointAt(0) ?? 0) - (letter.codePointAt(0) ?? 0)) === 1
}
